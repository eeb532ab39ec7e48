"""Why a project did, or did not, deploy by itself."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.projects.models.project import Project
from deployments.projects.models.trigger import ProjectTrigger


class Outcome(models.TextChoices):
    """What came of a decision."""

    DEPLOYED = "Deployed", "Deployed"
    CREATED = "Created", "Release created"
    RUN = "Run", "Runbook run"
    NOTHING = "Nothing", "Nothing to do"
    WAITING = "Waiting", "Waiting"
    REFUSED = "Refused", "Refused"


class AutomationDecision(SpaceOwned):
    """One decision of a trigger, or without a trigger of a lifecycle: the cause and the reason.

    `release_id`, `environment_id` and `results` are public ids.
    """

    id_prefix = "AutomationDecisions"
    scope_paths: ClassVar[dict[str, str]] = {
        "project": "project_id",
        "project_group": "project__group_id",
    }

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="decisions")
    trigger = models.ForeignKey(
        ProjectTrigger, on_delete=models.CASCADE, null=True, blank=True, related_name="decisions"
    )
    made = models.DateTimeField(db_index=True)
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    cause = models.CharField(max_length=300)
    reason = models.TextField()
    event_id = models.CharField(max_length=100, blank=True)
    release_id = models.CharField(max_length=100, blank=True)
    environment_id = models.CharField(max_length=100, blank=True)
    tenant_id = models.CharField(max_length=100, blank=True)
    results = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["project", "-id"], name="decision_of_project"),
            models.Index(fields=["trigger", "-id"], name="decision_of_trigger"),
            models.Index(fields=["release_id", "-id"], name="decision_of_release"),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()}: {self.reason}"
