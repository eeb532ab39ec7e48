"""What triggers watch, and what they saw there last."""

from typing import ClassVar

from django.db import models

from deployments.projects.models.trigger import ProjectTrigger


class WatchedPackage(models.Model):
    """The newest version of an external feed's package that a trigger has seen, and what is wrong
    with the feed."""

    trigger = models.ForeignKey(
        ProjectTrigger, on_delete=models.CASCADE, related_name="watched_packages"
    )
    feed_number = models.BigIntegerField()
    id_lower = models.CharField(max_length=300)
    version = models.CharField(max_length=350, blank=True)
    problem = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["trigger", "feed_number", "id_lower"], name="watched_package_unique"
            )
        ]

    def __str__(self) -> str:
        return self.id_lower


class WatchedRepository(models.Model):
    """What a trigger saw in its repository last, and the password to look again at `due`.

    `seen` has object ids by names of references; it is null until the repository has answered.
    """

    trigger = models.OneToOneField(
        ProjectTrigger, on_delete=models.CASCADE, related_name="repository"
    )
    sealed_password = models.BinaryField(null=True, blank=True)
    seen = models.JSONField(null=True, blank=True)
    looked = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True)
    due = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"The repository of {self.trigger}"

    @property
    def secret_place(self) -> str:
        """The associated data of `sealed_password`."""
        return f"trigger:{self.trigger_id}:password"
