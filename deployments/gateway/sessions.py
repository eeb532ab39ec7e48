"""Sessions of agents in the database: who is connected to which gateway, newest wins."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models, transaction
from django.db.models import QuerySet

from agent.contracts.messages import Hello
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.infrastructure.models import Agent, AgentSession, Machine, Worker
from deployments.infrastructure.models.machine import HealthStatus

FLIPS_TO_QUARANTINE = 3
FLIP_WINDOW = timedelta(seconds=60)
# Gateways note signs of life every 10 s.
SILENCE = timedelta(seconds=30)
# Beyond this `seen` has told.
REVOKED_LATELY = timedelta(seconds=60)

_SHARED = ("Two machines use the same credential", "is used from two machines in turn")
_ROLLED_BACK = (
    "The agent's state folder was restored from an older copy",
    "came back with an older state folder than before",
)


@dataclass(frozen=True)
class Session:
    """An agent's session as this gateway holds it."""

    agent_pk: int
    number: int


def begin_session(
    agent_pk: int, hello: Hello, gateway: str, *, clock: Clock = utc_now
) -> Session | None:
    """Take the agent's session over and store what the agent says of itself.

    Return None when the agent is not to be served: revoked, or quarantined just now. An agent
    whose journal is empty lost its state folder and is served: what it had taken on is lost. One
    whose journal is older than before would take finished work for unfinished.
    """
    now = clock()
    agents = Agent.objects.unscoped(reason="a session begins").filter(pk=agent_pk)
    with transaction.atomic():
        agent = agents.filter(revoked=None, quarantined=None).first()
        if agent is None:
            return None
        AgentSession.objects.get_or_create(agent_id=agent_pk)
        AgentSession.objects.filter(agent_id=agent_pk).update(
            number=models.F("number") + 1,
            gateway=gateway,
            connected=now,
            disconnected=None,
            last_seen=now,
        )
        number = AgentSession.objects.values_list("number", flat=True).get(agent_id=agent_pk)
        if 0 < hello.journal_high < agent.journal_high:
            _quarantine(agent, now, _ROLLED_BACK)
            return None
        flips = _boot_id_flips(agent, hello, now)
        agents.update(
            version=hello.agent_version[:50],
            operating_system=f"{hello.os} {hello.architecture}".strip()[:200],
            capabilities={
                "shells": list(hello.shells),
                "capabilities": list(hello.capabilities),
                "hostname": hello.hostname,
            },
            boot_id=hello.boot_id[:100],
            boot_id_flips=flips,
            free_disk_bytes=hello.free_disk,
            journal_high=hello.journal_high,
            last_seen=now,
        )
        if flips >= FLIPS_TO_QUARANTINE:
            _quarantine(agent, now, _SHARED)
            return None
        _set_back([agent_pk])
    return Session(agent_pk, int(number))


def end_session(session: Session, *, clock: Clock = utc_now) -> None:
    """Record that the connection ended, unless a newer one has taken over."""
    rows = AgentSession.objects.filter(number=session.number, disconnected=None)
    _end(session.agent_pk, rows, clock())


def seen(sessions: Iterable[Session], *, clock: Clock = utc_now) -> tuple[set[int], set[int]]:
    """Record that these sessions live; return the agents taken over, and those revoked."""
    held = {session.agent_pk: session.number for session in sessions}
    rows = AgentSession.objects.filter(agent_id__in=held)
    numbers = {row.agent_id: row for row in rows}
    current = [
        pk for pk, number in held.items() if (row := numbers.get(pk)) and row.number == number
    ]
    with transaction.atomic():
        AgentSession.objects.filter(agent_id__in=current).update(
            last_seen=clock(), disconnected=None
        )
        # Another gateway took this one for dead while the database was away.
        back = [pk for pk in current if numbers[pk].disconnected is not None]
        if back:
            _set_back(back)
    revoked = (
        Agent.objects.unscoped(reason="close revoked sessions")
        .filter(pk__in=current)
        .exclude(revoked=None, quarantined=None)
        .values_list("pk", flat=True)
    )
    return set(held) - set(current), set(revoked)


def revoked_lately(*, clock: Clock = utc_now) -> set[int]:
    """Return the agents that are not to be served any more since a minute, or less."""
    since = clock() - REVOKED_LATELY
    agents = Agent.objects.unscoped(reason="close revoked sessions")
    lately = agents.filter(models.Q(revoked__gte=since) | models.Q(quarantined__gte=since))
    return set(lately.values_list("pk", flat=True))


def stale(sessions: Collection[Session]) -> set[Session]:
    """Return the sessions that a newer connection has taken over, or whose agent is gone."""
    held = {session.agent_pk for session in sessions}
    rows = AgentSession.objects.filter(agent_id__in=held).values_list("agent_id", "number")
    current = {Session(agent_pk, number) for agent_pk, number in rows}
    return set(sessions) - current


def end_silent(*, clock: Clock = utc_now) -> int:
    """Close the sessions that a gateway left behind when it died; return how many."""
    now = clock()
    silent = AgentSession.objects.filter(disconnected=None, last_seen__lt=now - SILENCE)
    ended = 0
    for agent_pk, number in silent.values_list("agent_id", "number"):
        ended += _end(agent_pk, silent.filter(number=number), now)
    return ended


def _end(agent_pk: int, rows: QuerySet[AgentSession], now: datetime) -> int:
    with transaction.atomic():
        ended = rows.filter(agent_id=agent_pk).update(disconnected=now)
        if ended:
            _set_health([agent_pk], HealthStatus.UNAVAILABLE, "Not connected")
    return ended


def _boot_id_flips(agent: Agent, hello: Hello, now: datetime) -> int:
    """Count quick changes of the boot id: two machines that share one credential take turns."""
    if agent.boot_id in {"", hello.boot_id} or agent.last_seen is None:
        return agent.boot_id_flips
    if now - agent.last_seen > FLIP_WINDOW:
        return 0
    return agent.boot_id_flips + 1


def _quarantine(agent: Agent, now: datetime, reason: tuple[str, str]) -> None:
    summary, story = reason
    Agent.objects.unscoped(reason="quarantine").filter(pk=agent.pk).update(quarantined=now)
    _set_health([agent.pk], HealthStatus.UNHEALTHY, summary)
    events.record(
        actor=Actor.system("agent sessions"),
        space=agent.space,
        category="MachineQuarantined",
        message=f"{agent.public_id} {story}; its credential is refused."
        " Register it again with --force.",
        subject=agent.public_id,
        clock=lambda: now,
    )


def _set_back(agent_pks: Iterable[int]) -> None:
    """Give what came back the verdict of the last check that reached it, healthy without one."""
    for model in (Machine, Worker):
        model.objects.unscoped(reason="an agent connected or left").filter(
            agent_id__in=list(agent_pks)
        ).update(
            health_status=models.Case(
                models.When(verdict="", then=models.Value(HealthStatus.HEALTHY)),
                default=models.F("verdict"),
            ),
            status_summary=models.Case(
                models.When(verdict="", then=models.Value("Connected")),
                default=models.F("verdict_summary"),
            ),
        )


def _set_health(agent_pks: Iterable[int], status: HealthStatus, summary: str) -> None:
    for model in (Machine, Worker):
        model.objects.unscoped(reason="an agent connected or left").filter(
            agent_id__in=list(agent_pks)
        ).update(health_status=status, status_summary=summary)
