"""Where a version would go: which channels take it and what their lifecycles let it do; pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from agent.versions import Version
from deployments.projects.version_rules import VersionRule
from deployments.releases.progression import Phase, PhaseState, Progress, progress_of


@dataclass(frozen=True, slots=True)
class PlaceVerdict:
    """An environment: whether the release may go there, and why or why not."""

    environment: int
    may: bool
    why: str
    is_automatic: bool = False


@dataclass(frozen=True, slots=True)
class PhaseVerdict:
    """A phase of the simulation."""

    name: str
    note: str
    is_done: bool
    is_next: bool
    places: tuple[PlaceVerdict, ...]


def refusals(
    version: Version, rules: Sequence[VersionRule], packages: Collection[tuple[str, str]]
) -> list[str]:
    """Return why a channel with these rules does not take packages of the version.

    Only rules about one of the `packages` count: pairs of action and reference.
    """
    found = []
    for number, rule in enumerate(rules, start=1):
        if not any(rule.is_about(*package) for package in packages):
            continue
        if why_not := rule.why_not(version):
            found.append(f"Rule {number}: {why_not}.")
    return found


def simulate(
    phases: Sequence[Phase],
    succeeded: Collection[int],
    *,
    has_defect: bool = False,
    automatic: Collection[int] = (),
) -> list[PhaseVerdict]:
    """Return where a release with these successes may go in a lifecycle."""
    progression = progress_of(phases, succeeded, has_defect=has_defect)
    verdicts = []
    for state in progression.phases:
        blocking = progression.blocking(state.environments[0]) if state.environments else None
        places = tuple(
            _place(state, number, blocking, is_automatic=number in automatic)
            for number in state.environments
        )
        is_done = state.progress is Progress.COMPLETE
        is_next = progression.current is state
        verdicts.append(PhaseVerdict(state.phase.name, _note(state), is_done, is_next, places))
    return verdicts


def _place(
    state: PhaseState, number: int, blocking: PhaseState | None, *, is_automatic: bool
) -> PlaceVerdict:
    if blocking is not None:
        why = _waits_for(blocking)
    elif state.is_blocked:
        why = "Its progression is blocked and it has not succeeded in this phase."
    elif number in state.succeeded:
        why = "It has succeeded here and may be deployed again."
    elif state.progress is Progress.COMPLETE:
        why = "The phase has enough successes; the environment stays open."
    elif state.phase.is_optional:
        why = "The phase is optional; later ones do not wait for it."
    else:
        why = "Nothing before it is missing."
    return PlaceVerdict(number, state.is_deployable, why, is_automatic)


def _waits_for(blocking: PhaseState) -> str:
    name, missing = blocking.phase.name, blocking.required - len(blocking.succeeded)
    if len(blocking.environments) == 1:
        return f"First the phase {name} must succeed."
    return f"First {missing} more of {len(blocking.environments)} must succeed in {name}."


def _note(state: PhaseState) -> str:
    total = len(state.environments)
    if not total:
        return "No environment: skipped"
    words = ["Optional"] if state.phase.is_optional else []
    if total > 1:
        words.append(f"{state.required} of {total} must succeed")
    return ", ".join(words) or "Must succeed"
