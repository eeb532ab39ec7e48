"""Which agents are there."""

from datetime import datetime, timedelta

from django.db.models import Q

from deployments.infrastructure.models import AgentSession

# A gateway notes signs of life every 10 s; longer silence means that nobody would hear anything.
SILENCE = timedelta(seconds=30)


def present_agents(agent_pks: set[int], now: datetime) -> set[int]:
    """Return those of the agents that were connected within the last half minute.

    A connection that broke a moment ago, as at the restart of a gateway, is no absence.
    """
    lately = now - SILENCE
    sessions = AgentSession.objects.filter(agent__in=agent_pks, last_seen__gt=lately)
    sessions = sessions.filter(Q(disconnected=None) | Q(disconnected__gt=lately))
    return set(sessions.values_list("agent_id", flat=True))


def connected_agents(agent_pks: set[int], now: datetime) -> set[int]:
    """Return those of the agents that have been there within the last half minute."""
    sessions = AgentSession.objects.filter(
        agent__in=agent_pks, disconnected=None, last_seen__gt=now - SILENCE
    )
    return set(sessions.values_list("agent_id", flat=True))


def last_contacts(agent_pks: set[int]) -> dict[int, datetime]:
    """Return until when each of the agents may have heard something; none that never connected.

    A connection that nobody has seen end may have lasted as long as its silence is not noticed.
    """
    sessions = AgentSession.objects.filter(agent__in=agent_pks).exclude(last_seen=None)
    rows = sessions.values_list("agent_id", "disconnected", "last_seen")
    return {agent: ended or seen + SILENCE for agent, ended, seen in rows if seen is not None}
