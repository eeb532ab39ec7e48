"""Asking for health checks: by people, and by the schedules of machine policies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import Q

from deployments.access.permissions import Permission
from deployments.access.policy import allows, require
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid, NotPermitted
from deployments.base.events import record
from deployments.base.finding import find_one
from deployments.base.models import Space
from deployments.base.timespans import parse_timespan
from deployments.infrastructure.health.policy import WrongPolicy, first_check, next_check
from deployments.infrastructure.models import (
    Environment,
    Machine,
    MachineEnvironment,
    MachinePolicy,
    Worker,
    WorkerPool,
)
from deployments.infrastructure.services.policies import health_policy_of
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import enqueue
from deployments.server_tasks.states import FINISHED

log = structlog.get_logger(__name__)

KIND: Final = "Health"
# The argument by which a step says what is checked, whatever the policies say.
CHECK_TYPE: Final = "CheckType"
CONNECTION_TEST: Final = "ConnectionTest"
_LATE_START: Final = timedelta(hours=1)
_EVERY_SPACE = "the schedule of health checks spans the spaces"


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What is to be checked, in words and as rows."""

    words: str
    rows: Sequence[Machine | Worker]
    environment: Environment | None = None


def request_health_check(
    *,
    actor: Actor,
    space: Space,
    arguments: Mapping[str, Any],
    description: str = "",
    clock: Clock = utc_now,
) -> ServerTask:
    """Queue a health check of MachineIds, else EnvironmentId, else WorkerpoolId, else of all.

    Needs TaskCreate where the targets are. Raises Invalid when there is nothing to check.
    """
    chosen = _chosen(actor, space, arguments)
    usable = [row for row in chosen.rows if row.agent_id is not None and not row.is_disabled]
    if not usable:
        raise Invalid(_nothing(chosen))
    for name in ("MachineTimeout", "Timeout"):
        limit = arguments.get(name)
        if limit and not parse_timespan(limit):
            raise Invalid(fields={name: [f"'{limit}' is no time span like 00:05:00."]})
    kept = ("EnvironmentId", "WorkerpoolId", "MachineTimeout", "Timeout")
    with transaction.atomic():
        task = enqueue(
            actor=actor,
            space=space,
            kind=KIND,
            description=description.strip() or f"Check health of {chosen.words}",
            arguments={
                **{name: arguments[name] for name in kept if arguments.get(name)},
                "MachineIds": [row.public_id for row in usable],
            },
            environment_number=_environment_number(chosen),
            clock=clock,
        )
        record(
            actor=actor,
            space=space,
            category="TaskQueued",
            message=f"A health check of {chosen.words} was queued",
            subject=task.public_id,
            related=[row.public_id for row in usable[:20]],
            clock=clock,
        )
    return task


def queue_due_checks(*, clock: Clock = utc_now) -> int:
    """Queue one task for each policy that is due; return how many.

    A check that was missed while the server was down is made up for once.
    """
    now = clock()
    rows = MachinePolicy.objects.unscoped(reason=_EVERY_SPACE).filter(space__deletion="")
    due = rows.filter(Q(next_check=None) | Q(next_check__lte=now)).select_related("space")
    return sum(_queue_policy(policy, clock) for policy in due.order_by("pk"))


def _queue_policy(policy: MachinePolicy, clock: Clock) -> bool:
    now = clock()
    try:
        rules = health_policy_of(policy)
    except WrongPolicy as error:
        log.warning("a machine policy cannot be followed", policy=policy.pk, error=str(error))
        return False
    is_first = policy.next_check is None
    following = (first_check if is_first else next_check)(rules, policy.public_id, now)
    mine = MachinePolicy.objects.in_space(policy.space).filter(
        pk=policy.pk, next_check=policy.next_check
    )
    with transaction.atomic():
        # Of several schedulers one gets it.
        if not mine.update(next_check=following) or is_first or following is None:
            return False
        ids = [row.public_id for row in _of_policy(policy)]
        tag = f"{KIND}/{policy.public_id}"
        waiting = ServerTask.objects.in_space(policy.space).filter(concurrency_tag=tag)
        if not ids or waiting.exclude(state__in=FINISHED).exists():
            return False
        enqueue(
            actor=Actor.system("the schedule of health checks"),
            space=policy.space,
            kind=KIND,
            description=f"Check health by {policy.name}",
            arguments={"MachineIds": ids},
            concurrency_tag=tag,
            expires=now + _LATE_START,
            clock=clock,
        )
    return True


def _of_policy(policy: MachinePolicy) -> list[Machine | Worker]:
    wanted = {"policy": policy, "is_disabled": False, "agent__isnull": False}
    machines = Machine.objects.in_space(policy.space).filter(**wanted)
    workers = Worker.objects.in_space(policy.space).filter(**wanted)
    return [*machines, *workers]


def _chosen(actor: Actor, space: Space, arguments: Mapping[str, Any]) -> _Chosen:
    if ids := arguments.get("MachineIds"):
        return _by_ids(actor, space, ids)
    machines = Machine.objects.visible_to(actor, space, Permission.MachineView)
    if text := arguments.get("EnvironmentId"):
        environments = Environment.objects.visible_to(actor, space, Permission.EnvironmentView)
        place = find_one(environments, str(text), field="EnvironmentId")
        require(actor, space, Permission.TaskCreate, environment=place.pk)
        inside = MachineEnvironment.objects.filter(environment=place).values("machine")
        rows = list(machines.filter(pk__in=inside))
        return _Chosen(f"the environment {place.name}", rows, place)
    workers = Worker.objects.visible_to(actor, space, Permission.WorkerView)
    if text := arguments.get("WorkerpoolId"):
        pools = WorkerPool.objects.visible_to(actor, space, Permission.WorkerView)
        pool = find_one(pools, str(text), field="WorkerpoolId")
        require(actor, space, Permission.TaskCreate)
        return _Chosen(f"the worker pool {pool.name}", list(workers.filter(pools=pool)))
    only = arguments.get("RestrictedTo")
    mine = Machine.objects.visible_to(actor, space, Permission.TaskCreate).values("pk")
    every: list[Machine | Worker] = []
    if only != "Workers":
        every += machines.filter(pk__in=mine)
    if only != "DeploymentTargets" and allows(actor, space, Permission.TaskCreate):
        every += workers
    if not every:
        require(actor, space, Permission.TaskCreate)
    return _Chosen("all targets and workers" if not only else f"all {only}", every)


def _by_ids(actor: Actor, space: Space, ids: Any) -> _Chosen:
    if not isinstance(ids, Sequence) or isinstance(ids, str):
        raise Invalid(fields={"MachineIds": ["A list of ids is expected."]})
    wanted = list(dict.fromkeys(str(text) for text in ids))
    found: dict[str, Machine | Worker] = {}
    for model, permission in ((Machine, Permission.MachineView), (Worker, Permission.WorkerView)):
        numbers = [n for text in wanted if (n := public_ids.parse(model.id_prefix, text))]
        seen = model.objects.visible_to(actor, space, permission).filter(pk__in=numbers)
        found |= {row.public_id: row for row in seen}
    unknown = [text for text in wanted if text not in found]
    if unknown:
        raise Invalid(fields={"MachineIds": [f"There is no {text}." for text in unknown]})
    _require_create(actor, space, list(found.values()))
    rows = [found[text] for text in wanted]
    return _Chosen(rows[0].name if len(rows) == 1 else f"{len(rows)} targets and workers", rows)


def _require_create(actor: Actor, space: Space, rows: Sequence[Machine | Worker]) -> None:
    machines = [row.pk for row in rows if isinstance(row, Machine)]
    mine = Machine.objects.visible_to(actor, space, Permission.TaskCreate)
    if mine.filter(pk__in=machines).distinct().count() < len(machines):
        raise NotPermitted(Permission.TaskCreate)
    if len(machines) < len(rows):
        require(actor, space, Permission.TaskCreate)


def _environment_number(chosen: _Chosen) -> int | None:
    """Return the environment that the whole task is about, so that its people see it."""
    if chosen.environment is not None:
        return chosen.environment.pk
    if any(isinstance(row, Worker) for row in chosen.rows):
        return None
    links = MachineEnvironment.objects.filter(machine__in=[row.pk for row in chosen.rows])
    numbers = set(links.values_list("environment_id", flat=True))
    return numbers.pop() if len(numbers) == 1 else None


def _nothing(chosen: _Chosen) -> str:
    if len(chosen.rows) == 1:
        row = chosen.rows[0]
        why = "is disabled" if row.is_disabled else "has no agent yet"
        return f"There is nothing to check: {row.name} {why}."
    return f"There is nothing to check: no enabled target or worker of {chosen.words} has an agent."
