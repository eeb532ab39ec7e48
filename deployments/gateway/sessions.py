"""Sessions of agents in the database: who is connected to which gateway, newest wins."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models, transaction
from django.db.models import QuerySet

from agent.contracts.messages import Hello
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.rows import update_rows
from deployments.infrastructure.models import Agent, AgentSession, Machine, Worker
from deployments.infrastructure.models.machine import HealthStatus

FLIPS_TO_QUARANTINE = 3
FLIP_WINDOW = timedelta(seconds=60)
# Gateways note signs of life every 10 s.
SILENCE = timedelta(seconds=30)
# Who was away for longer may have been left out of deployments, so its return is told.
LONG_AWAY = timedelta(minutes=2)
# Beyond this `seen` has told.
REVOKED_LATELY = timedelta(seconds=60)
_CAME_OR_WENT = "an agent connected or left"
_FROM_HELLO = (
    "version",
    "operating_system",
    "capabilities",
    "boot_id",
    "boot_id_flips",
    "free_disk_bytes",
    "journal_high",
    "last_seen",
)

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


def begin_sessions(
    hellos: Mapping[int, Hello], gateway: str, *, clock: Clock = utc_now
) -> dict[int, Session]:
    """Take the agents' sessions over and store what the agents say of themselves.

    Agents that are not to be served are left out: revoked, or quarantined just now. An agent
    whose journal is empty lost its state folder and is served: what it had taken on is lost. One
    whose journal is older than before would take finished work for unfinished. As many queries
    for all as for one.
    """
    now = clock()
    with transaction.atomic():
        agents = list(
            Agent.objects.unscoped(reason="a session begins")
            .filter(pk__in=list(hellos), revoked=None, quarantined=None)
            .order_by("pk")
        )
        last = AgentSession.objects.filter(agent_id__in=[agent.pk for agent in agents])
        long_away = _long_away(last, now)
        numbers = _take_over([agent.pk for agent in agents], gateway, now)
        served = []
        for agent in agents:
            hello = hellos[agent.pk]
            is_rolled_back = 0 < hello.journal_high < agent.journal_high
            if not is_rolled_back:
                _fill(agent, hello, now)
            if is_rolled_back or agent.boot_id_flips >= FLIPS_TO_QUARANTINE:
                _quarantine(agent, now, _ROLLED_BACK if is_rolled_back else _SHARED)
            else:
                served.append(agent)
        update_rows(agents, _FROM_HELLO)
        _set_back([agent.pk for agent in served], long_away, now)
    return {agent.pk: Session(agent.pk, numbers[agent.pk]) for agent in served}


def end_sessions(sessions: Iterable[Session], *, clock: Clock = utc_now) -> None:
    """Record that these connections ended, except where a newer one has taken over."""
    by_number: dict[int, list[int]] = defaultdict(list)
    for session in sessions:
        by_number[session.number].append(session.agent_pk)
    now = clock()
    with transaction.atomic():
        for number, agent_pks in by_number.items():
            _end(AgentSession.objects.filter(number=number, agent_id__in=agent_pks), now)


def seen(sessions: Iterable[Session], *, clock: Clock = utc_now) -> tuple[set[int], set[int]]:
    """Record that these sessions live; return the agents taken over, and those revoked."""
    held = {session.agent_pk: session.number for session in sessions}
    rows = AgentSession.objects.filter(agent_id__in=held)
    numbers = {row.agent_id: row for row in rows}
    current = [
        pk for pk, number in held.items() if (row := numbers.get(pk)) and row.number == number
    ]
    now = clock()
    with transaction.atomic():
        AgentSession.objects.filter(agent_id__in=current).update(last_seen=now, disconnected=None)
        # Another gateway took this one for dead while the database was away.
        back = [pk for pk in current if numbers[pk].disconnected is not None]
        if back:
            _set_back(back, _long_away(numbers.values(), now), now)
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
    silent = AgentSession.objects.filter(last_seen__lt=now - SILENCE)
    if not silent.filter(disconnected=None).exists():
        return 0
    with transaction.atomic():
        return _end(silent, now)


def _end(rows: QuerySet[AgentSession], now: datetime) -> int:
    """End those of the sessions that are open; joins the caller's transaction."""
    if not (ended := rows.filter(disconnected=None).update(disconnected=now)):
        return 0
    # What was written is locked, so none of these can begin anew before the commit.
    agents = rows.filter(disconnected=now).values_list("agent_id", flat=True)
    _set_health(agents, HealthStatus.UNAVAILABLE, "Not connected")
    return ended


def _take_over(agent_pks: Sequence[int], gateway: str, now: datetime) -> dict[int, int]:
    """Return the numbers of the agents' new sessions."""
    rows = AgentSession.objects.filter(agent_id__in=agent_pks)
    known = set(rows.values_list("agent_id", flat=True))
    missing = [AgentSession(agent_id=pk) for pk in agent_pks if pk not in known]
    AgentSession.objects.bulk_create(missing, ignore_conflicts=True)
    rows.update(
        number=models.F("number") + 1,
        gateway=gateway,
        connected=now,
        disconnected=None,
        last_seen=now,
    )
    return dict(rows.values_list("agent_id", "number"))


def _fill(agent: Agent, hello: Hello, now: datetime) -> None:
    agent.boot_id_flips = _boot_id_flips(agent, hello, now)
    agent.version = hello.agent_version[:50]
    agent.operating_system = f"{hello.os} {hello.architecture}".strip()[:200]
    agent.capabilities = {
        "shells": list(hello.shells),
        "capabilities": list(hello.capabilities),
        "hostname": hello.hostname,
    }
    agent.boot_id = hello.boot_id[:100]
    agent.free_disk_bytes = hello.free_disk
    agent.journal_high = hello.journal_high
    agent.last_seen = now


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


def _set_back(agent_pks: Iterable[int], long_away: Collection[int], now: datetime) -> None:
    """Give what came back the verdict of the last check that reached it, healthy without one."""
    for model in (Machine, Worker):
        rows = model.objects.unscoped(reason=_CAME_OR_WENT).filter(agent_id__in=list(agent_pks))
        _tell_of_return(rows, long_away, now)
        rows.update(
            health_status=models.Case(
                models.When(verdict="", then=models.Value(HealthStatus.HEALTHY)),
                default=models.F("verdict"),
            ),
            status_summary=models.Case(
                models.When(verdict="", then=models.Value("Connected")),
                default=models.F("verdict_summary"),
            ),
        )


def _tell_of_return(
    rows: "QuerySet[Machine] | QuerySet[Worker]", long_away: Collection[int], now: datetime
) -> None:
    """Record what connects for the first time or was away for long; triggers wait for it."""
    new = models.Q(health_status=HealthStatus.UNKNOWN)
    back = models.Q(health_status=HealthStatus.UNAVAILABLE, agent_id__in=list(long_away))
    news = []
    for row in rows.filter(new | back).select_related("space"):
        is_new = row.health_status == HealthStatus.UNKNOWN
        words = "connected for the first time" if is_new else "is connected again"
        category = f"Machine{row.verdict or HealthStatus.HEALTHY}"
        news.append(events.News(row.space, category, f"{row.name} {words}", row.public_id))
    if news:
        actor = Actor.system("agent sessions")
        events.record_all(actor=actor, news=news, clock=lambda: now)


def _long_away(rows: Iterable[AgentSession], now: datetime) -> set[int]:
    """Return the agents whose last connection ended long ago: more than a hiccup."""
    return {
        row.agent_id
        for row in rows
        if row.disconnected is not None and row.disconnected <= now - LONG_AWAY
    }


def _set_health(agent_pks: Iterable[int], status: HealthStatus, summary: str) -> None:
    for model in (Machine, Worker):
        model.objects.unscoped(reason=_CAME_OR_WENT).filter(agent_id__in=list(agent_pks)).update(
            health_status=status, status_summary=summary
        )
