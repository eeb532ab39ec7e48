"""Whether the lifecycle lets a release go to an environment, and why not; pure.

Who may get it at all is judged in deployments.releases.tenancy.rules, freezes in
deployments.releases.freezes.
"""

from deployments.releases.progression import PhaseState, Progression


def why_not(progression: Progression, environment: int) -> str:
    """Return the reason in a few words for pages; empty when it may go there."""
    state = progression.state_of(environment)
    if state is None:
        return "Not in the lifecycle of the release's channel."
    blocking = progression.blocking(environment)
    if blocking is not None:
        return f"First the phase {blocking.phase.name} must succeed."
    return "The progression of this release is blocked." if state.is_blocked else ""


def refusal(progression: Progression, environment: int, *, version: str, name: str) -> str:
    """Return the reason as the sentence of a refusal, with all names; empty when it may go."""
    state = progression.state_of(environment)
    where = f"Release '{version}' cannot be deployed to '{name}'"
    if state is None:
        return f"{where}: the environment is not part of the lifecycle of its channel."
    blocking = progression.blocking(environment)
    if blocking is not None:
        return (
            f"{where} yet: it must first be deployed successfully to {_needed(blocking)}"
            f" environments of the phase '{blocking.phase.name}'."
        )
    return f"{where}: its progression is prevented." if state.is_blocked else ""


def _needed(phase: PhaseState) -> str:
    count = len(phase.environments)
    return "all" if phase.required == count else f"{phase.required} of {count}"
