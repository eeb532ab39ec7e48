"""Accounts and certificates that the variables of a plan name; pure."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from agent.contracts import limits
from deployments.execution.manifest import Manifest
from deployments.execution.plan import Plan
from deployments.library.account_types import SUBJECT_KEYS
from deployments.library.references import REFERENCE_TYPES
from deployments.library.scoping import Candidate, ScopeContext, winning

# What a service that trusts this server's tokens reads, whichever account a step uses.
TOKEN_VARIABLE: Final = "Octopus.OpenIdConnect.Jwt"  # noqa: S105 the name of a variable
_SHORTEST: Final = timedelta(hours=1)
# Services refuse tokens of two days or more.
_LONGEST: Final = timedelta(days=1)


def token_life(start_within_s: float, time_limit_s: float, *, takes_turns: bool) -> timedelta:
    """Return how long a token is good that is written into the command of a step.

    Its agent may be away until the command is given up, and the step then has its own time: an
    hour, or as long as it may take; a day in all at most. One that may wait for the scripts of
    others on its machine has the whole day, see `turn_within`.
    """
    if takes_turns:
        return _LONGEST
    waits = timedelta(seconds=start_within_s)
    return min(waits + max(_SHORTEST, timedelta(seconds=time_limit_s)), _LONGEST)


def turn_within(start_within_s: float, *, has_token: bool) -> float:
    """Return how many seconds a command may wait for its turn, once its agent has taken it.

    One with a token is given up while the token is still good for an hour, so that no step begins
    with a dead one.
    """
    if not has_token:
        return limits.LONGEST_TURN
    left = _LONGEST - _SHORTEST - timedelta(seconds=start_within_s)
    return max(left, _SHORTEST).total_seconds()


def scope_context(
    manifest: Manifest, action_id: str | None, roles: Iterable[str], target_id: str
) -> ScopeContext:
    """Return where the values of an action at a place are asked for."""
    machine = manifest.machines.get(target_id)
    return ScopeContext(
        environment=manifest.environment,
        machine=target_id if machine else None,
        roles=frozenset(machine.roles) if machine else frozenset(),
        target_roles=frozenset(roles),
        action=action_id,
        channel=manifest.channel,
        tenant=manifest.tenant,
        tenant_tags=frozenset(manifest.tenant_tags),
        process_owner=manifest.process_owner,
        project=manifest.project,
    )


def used_references(plan: Plan, manifest: Manifest) -> dict[str, Candidate]:
    """Return the variables that count for some action of the plan, by the id that they name.

    What no action uses is left out, so that it neither fails a deployment nor leaves the server.
    """
    names = {each.name.lower() for each in manifest.candidates if each.kind in REFERENCE_TYPES}
    if not names:
        return {}
    asked = [each for each in manifest.candidates if each.name.lower() in names]
    found: dict[str, Candidate] = {}
    for step in plan.steps:
        for action in step.actions:
            if step.skip_reason or action.skip_reason:
                continue
            for place in action.placements:
                context = scope_context(manifest, action.id, step.roles, place.target_id)
                for won in winning(asked, context).values():
                    if won.kind in REFERENCE_TYPES and won.value:
                        found.setdefault(won.value, won)
    return found


def subject_of(keys: Iterable[str], slugs: Mapping[str, str]) -> str:
    """Return the subject of a token: the wanted keys that have a slug, in their fixed order."""
    wanted = set(keys)
    parts = [f"{key}:{slugs[key]}" for key in SUBJECT_KEYS if key in wanted and slugs.get(key)]
    return ":".join(parts)
