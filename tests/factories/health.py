"""Health checks that a test carries through, speaking to the mailbox as a gateway."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deployments.base.models import Space
from deployments.execution.logs.append import write_lines
from deployments.execution.logs.queries import task_lines
from deployments.execution.models import ActionExecution, AgentMessage
from deployments.execution.services import mailbox
from deployments.execution.services.advance import advance
from deployments.execution.services.sweep import expire_commands
from deployments.infrastructure.models import Machine, Worker
from deployments.infrastructure.services.health import request_health_check
from deployments.infrastructure.services.policies import create_machine_policy, default_policy
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import schedule
from tests.factories.execution import NODE, SettableClock
from tests.factories.people import SYSTEM
from tests.factories.spaces import default_space

__all__ = ["Check", "make_check", "make_policy"]


@dataclass
class Check:
    """One health check on its way."""

    task_pk: int
    clock: SettableClock
    space: Space = field(default_factory=default_space)

    @property
    def task(self) -> ServerTask:
        return ServerTask.objects.in_space(self.space).get(pk=self.task_pk)

    def begin(self) -> None:
        schedule(node_name=NODE, clock=self.clock)
        self.advance()

    def advance(self) -> None:
        advance(self.task_pk, clock=self.clock)

    def runs(self) -> dict[str, AgentMessage]:
        """Return the unfinished runs by the name of their target."""
        rows = AgentMessage.objects.in_space(self.space).filter(
            execution__task=self.task_pk, kind="run", finished=None
        )
        return {row.execution.target_name: row for row in rows.select_related("execution")}

    def end(
        self, name: str, exit_code: int = 0, *, lines: Sequence[tuple[str, str]] = (), **result: Any
    ) -> None:
        """Let the command of a target run, print lines (level, text) and end."""
        run = self.runs()[name]
        mailbox.apply_accepted([str(run.message_id)], clock=self.clock)
        mailbox.apply_started([str(run.message_id)], clock=self.clock)
        if lines:
            write_lines(self.task, self.execution(name), lines)
        ended = mailbox.FinishedResult(str(run.message_id), True, exit_code, None, **result)
        mailbox.apply_finished([ended], clock=self.clock)

    def execution(self, name: str) -> ActionExecution:
        rows = ActionExecution.objects.in_space(self.space).select_related("task")
        return rows.get(task=self.task_pk, target_name=name)

    def nobody_answers(self) -> None:
        """Let the time pass in which agents may take their commands."""
        self.clock.forward(121)
        expire_commands(now=self.clock())
        self.advance()

    def said(self) -> list[str]:
        """Return what the task's own log says."""
        return [f"{line.level}: {line.text}" for line in task_lines(self.task)]


def make_check(
    *rows: Machine | Worker, clock: SettableClock | None = None, **arguments: Any
) -> Check:
    """Queue a health check and start it."""
    clock = clock or SettableClock()
    task = request_health_check(
        actor=SYSTEM,
        space=default_space(),
        arguments={"MachineIds": [row.public_id for row in rows], **arguments},
        clock=clock,
    )
    check = Check(task.pk, clock)
    check.begin()
    return check


def make_policy(document: Mapping[str, Any], *rows: Machine | Worker, name: str = "Own") -> Any:
    """Create a policy and put the rows under it; without rows change the default one."""
    if not rows:
        policy = default_policy(default_space())
        policy.document = dict(document)
        policy.save()
        return policy
    policy = create_machine_policy(
        actor=SYSTEM, space=default_space(), name=name, document=document
    )
    for row in rows:
        row.policy = policy
        row.save(update_fields=["policy"])
    return policy
