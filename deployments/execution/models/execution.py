"""What is planned for a task and what came of it."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned
from deployments.execution.states import LIVE, ExecutionState
from deployments.infrastructure.models import Agent
from deployments.server_tasks.models import ServerTask


class ExecutionPlan(SpaceOwned):
    """The plan of a task (deployments.execution.plan), made once when it starts.

    `sealed_variables` is the manifest: every candidate value that the task may use. `places` is how
    often the plan runs an action somewhere, 0 where that was not counted.
    """

    id_prefix = "ExecutionPlans"

    task = models.OneToOneField(ServerTask, on_delete=models.CASCADE, related_name="plan")
    document = models.JSONField()
    sealed_variables = models.BinaryField()
    places = models.PositiveIntegerField(default=0)
    created = models.DateTimeField()

    def __str__(self) -> str:
        return f"plan of {self.task}"


class ActionExecution(SpaceOwned):
    """One attempt at one action on one place (a target, a worker or the server itself).

    `log_length` counts the raw bytes that are durable here; `line_count` the lines given
    numbers so far. `follows` is the public id of the task that a lasting action waits for.
    """

    id_prefix = "ActionExecutions"

    task = models.ForeignKey(ServerTask, on_delete=models.CASCADE, related_name="executions")
    step_id = models.CharField(max_length=36)
    step_name = models.CharField(max_length=200)
    step_number = models.PositiveIntegerField()
    action_id = models.CharField(max_length=36)
    action_name = models.CharField(max_length=200)
    action_type = models.CharField(max_length=100)
    target_id = models.CharField(max_length=100)
    target_name = models.CharField(max_length=200)
    agent = models.ForeignKey(
        Agent, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    attempt = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(
        max_length=20,
        default=ExecutionState.PENDING,
        choices=[(state.value, state.value) for state in ExecutionState],
    )
    queued = models.DateTimeField()
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)
    exit_code = models.IntegerField(null=True, blank=True)
    error_message = models.TextField(blank=True)
    progress_percentage = models.PositiveSmallIntegerField(default=0)
    progress_message = models.CharField(max_length=500, blank=True)
    has_warnings = models.BooleanField(default=False)

    log_length = models.BigIntegerField(default=0)
    line_count = models.BigIntegerField(default=0)
    log_state = models.JSONField(default=dict)

    follows = models.CharField(max_length=100, blank=True)
    lease_owner = models.CharField(max_length=100, blank=True)
    lease_expires = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["task", "action_id", "target_id", "attempt"], name="execution_unique"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["task", "state"], name="execution_of_task"),
            # The few that live, among millions that have ended.
            models.Index(
                fields=["state", "agent"],
                condition=models.Q(state__in=LIVE),
                name="execution_live",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action_name} on {self.target_name}"
