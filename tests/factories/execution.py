"""Deployments that a test carries through step by step, speaking to the mailbox as a gateway."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agent.contracts.sealing import seal_text
from deployments.base.clock import utc_now
from deployments.execution.models import ActionExecution, AgentMessage
from deployments.execution.services import mailbox
from deployments.execution.services.advance import advance
from deployments.infrastructure.models import Agent, AgentSession, Environment, Machine, Worker
from deployments.infrastructure.models.machine import HealthStatus
from deployments.library.services import VariableInput
from deployments.releases.models import Deployment
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import schedule
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_machine,
    make_project,
    make_release,
    make_variables,
)
from tests.factories.numbers import NUMBERS

NODE = "node-1"


class SettableClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def make_agent(owner: Machine | Worker, *, connected: bool = True) -> Agent:
    """Give a machine or worker an agent, connected unless told."""
    number = next(NUMBERS)
    digest = hashlib.sha256(f"credential {number}".encode()).hexdigest()
    agent = Agent.objects.create(space=owner.space, credential_sha256=digest)
    now = utc_now() if connected else None
    AgentSession.objects.create(agent=agent, number=1, connected=now, last_seen=now)
    owner.agent = agent
    if connected:
        owner.health_status = HealthStatus.HEALTHY
    owner.save(update_fields=["agent", "health_status"])
    return agent


@dataclass
class Scene:
    """One deployment on its way."""

    deployment: Deployment
    environment: Environment
    machines: list[Machine]
    clock: SettableClock

    @property
    def task(self) -> ServerTask:
        return ServerTask.objects.in_space(self.deployment.space).get(pk=self.deployment.task_id)

    def state(self) -> str:
        return self.task.state

    def advance(self) -> None:
        advance(self.deployment.task_id, clock=self.clock)

    def begin(self) -> None:
        schedule(node_name=NODE, clock=self.clock)
        self.advance()

    def rows(self) -> list[ActionExecution]:
        rows = ActionExecution.objects.in_space(self.deployment.space)
        return list(rows.filter(task=self.deployment.task_id).order_by("pk"))

    def states(self) -> list[tuple[str, str, str]]:
        """Return (action, target, state) in the order of their start."""
        return [(row.action_name, row.target_name, row.state) for row in self.rows()]

    def runs(self) -> list[AgentMessage]:
        """Return the unfinished runs."""
        rows = AgentMessage.objects.in_space(self.deployment.space)
        return list(
            rows.filter(execution__task=self.deployment.task_id, kind="run", finished=None)
            .select_related("execution")
            .order_by("pk")
        )

    def spec(self, run: AgentMessage) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(mailbox.open_spec(run))
        return document

    def variables(self, run: AgentMessage) -> dict[str, str]:
        return {name: value for name, value, _ in self.spec(run)["variables"]}

    def accept(self, *runs: AgentMessage) -> None:
        mailbox.apply_accepted([str(run.message_id) for run in runs], clock=self.clock)

    def start(self, *runs: AgentMessage) -> None:
        mailbox.apply_started([str(run.message_id) for run in runs], clock=self.clock)

    def finish(
        self, *runs: AgentMessage, exit_code: int | None = 0, reason: str = "", message: str = ""
    ) -> None:
        results = [
            mailbox.FinishedResult(str(run.message_id), True, exit_code, None, reason, message)
            for run in runs
        ]
        mailbox.apply_finished(results, clock=self.clock)

    def output(self, run: AgentMessage, name: str, value: str, *, sensitive: bool = False) -> None:
        """Set an output variable as the script of the run would."""
        record: Mapping[str, Any] = {"t": "output", "name": name, "value": value}
        if sensitive:
            sealed = seal_text(mailbox.output_key(run.message_id), value)
            record = {"t": "output", "name": name, "sealed": sealed}
        mailbox.record_outputs({run.execution_id: [record]})

    def run_to_end(self, *, fail: Sequence[tuple[str, str]] = ()) -> None:
        """Let every run succeed, except those of the given (action, target)."""
        for _ in range(100):
            runs = self.runs()
            if not runs:
                return
            self.accept(*runs)
            self.start(*runs)
            for run in runs:
                where = (run.execution.action_name, run.execution.target_name)
                self.finish(run, exit_code=1 if where in fail else 0)
            self.advance()
        raise AssertionError("the deployment does not end")


def make_scene(
    *steps: Mapping[str, Any],
    machines: int = 1,
    roles: Sequence[str] = ("web",),
    connected: bool = True,
    begin: bool = True,
    variables: Callable[[list[Machine]], Sequence[VariableInput]] = lambda _machines: (),
    **options: Any,
) -> Scene:
    """Queue a deployment of the steps to targets target-01… and start it."""
    environment = make_environment()
    targets = [
        make_machine(environment, name=f"target-{n:02}-{environment.pk}", roles=roles)
        for n in range(1, machines + 1)
    ]
    for target in targets:
        make_agent(target, connected=connected)
    project = make_project(lifecycle=make_lifecycle(environment), steps=steps)
    make_variables(project, *variables(targets))
    release = make_release(project, "1.0.0")
    deployment = make_deployment(release, environment, **options)
    scene = Scene(deployment, environment, targets, SettableClock())
    if begin:
        scene.begin()
    return scene
