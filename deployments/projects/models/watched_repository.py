"""Git repositories that triggers watch."""

from django.db import models

from deployments.projects.models.trigger import ProjectTrigger


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
