"""Tag sets: the words by which tenants and runbooks are grouped."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from tenants.matching import canonical_name


class TagSet(SpaceOwned):
    """A set of tags, such as `Region`; of a single-select one a tenant carries at most one.

    It may be for tenants, for runbooks or for both.
    """

    class Kind(models.TextChoices):
        MULTI_SELECT = "MultiSelect"
        SINGLE_SELECT = "SingleSelect"

    id_prefix = "TagSets"

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=210)
    description = models.TextField(blank=True)
    sort_order = models.IntegerField(default=0)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.MULTI_SELECT)
    for_tenants = models.BooleanField(default=True)
    for_runbooks = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["sort_order", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["space", "name"], name="tag_set_name_unique"),
            models.UniqueConstraint(fields=["space", "slug"], name="tag_set_slug_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A tag of a set; elsewhere it goes by its canonical name, `Region/North`."""

    tag_set = models.ForeignKey(TagSet, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=200)
    color = models.CharField(max_length=7)
    description = models.TextField(blank=True)
    sort_order = models.IntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["sort_order", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tag_set", "name"], name="tag_name_unique")
        ]

    def __str__(self) -> str:
        return self.canonical_name

    @property
    def canonical_name(self) -> str:
        return canonical_name(self.tag_set.name, self.name)

    @property
    def public_id(self) -> str:
        return f"TagSets-{self.tag_set_id}/Tags-{self.pk}"
