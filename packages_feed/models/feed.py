"""Feeds: where packages come from."""

from typing import ClassVar, Final

from django.db import models

from agent.versions import Scheme
from deployments.base.models import SpaceIndexed

# In the settings of the built-in feed: how many days a package that nothing uses stays.
UNUSED_DAYS: Final = "DeleteUnreleasedPackagesAfterDays"
# By which rules the versions of a feed are read; those of all other kinds are semantic versions.
_SCHEMES: Final = {"Docker": Scheme.DOCKER, "Maven": Scheme.MAVEN}


def scheme_of(feed_type: str) -> Scheme:
    """Return by which rules the versions of feeds of that type are read."""
    return _SCHEMES.get(feed_type, Scheme.SEMVER)


class Feed(SpaceIndexed):
    """The built-in feed of a space, or an external one.

    The built-in feed of the Default space is also known as `feeds-builtin`.
    """

    id_prefix = "Feeds"

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=210)
    feed_type = models.CharField(max_length=50)
    uri = models.CharField(max_length=2000, blank=True)
    username = models.CharField(max_length=200, blank=True)
    sealed_password = models.BinaryField(null=True, blank=True)
    settings = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["space", "name"], name="feed_name_unique"),
            models.UniqueConstraint(
                fields=["space"],
                condition=models.Q(feed_type="BuiltIn"),
                name="one_built_in_feed",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def secret_place(self) -> str:
        """The associated data of `sealed_password`."""
        return f"feed:{self.pk}:password"

    @property
    def is_built_in(self) -> bool:
        return self.feed_type == "BuiltIn"

    @property
    def version_scheme(self) -> Scheme:
        """Return by which rules its versions are read."""
        return scheme_of(self.feed_type)

    @property
    def unused_days(self) -> int | None:
        """Return how many days a package that nothing uses stays; None: always."""
        days = self.settings.get(UNUSED_DAYS)
        return days if isinstance(days, int) else None

    @property
    def public_id(self) -> str:
        if self.is_built_in and self.space.is_default:
            return "feeds-builtin"
        return f"Feeds-{self.pk}"
