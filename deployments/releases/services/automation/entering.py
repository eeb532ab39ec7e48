"""Which phases a release enters, and so where it is deployed by itself; pure."""

from collections.abc import Collection, Mapping, Sequence

from deployments.releases.progression import Phase, Progression, progress_of


def entered_environments(
    phases: Sequence[Phase],
    automatic: Mapping[str, Collection[int]],
    *,
    succeeded: Collection[int],
    newly: int | None = None,
    connected: Collection[int] | None = None,
) -> tuple[tuple[str, int], ...]:
    """Return phase names and environments to which entering a phase deploys, in order.

    `automatic` has the environments of a phase by its id. `succeeded` are the environments with a
    success of the release (for a tenant), `newly` the one whose first success this is about; None
    is about the release as it stands, which was created or unblocked. Optional phases deploy
    nothing by themselves.
    """
    now = progress_of(phases, succeeded, connected=connected)
    before: set[str] = set()
    if newly is not None:
        others = [number for number in succeeded if number != newly]
        before = _open(progress_of(phases, others, connected=connected))
    return tuple(
        (state.phase.name, number)
        for state in now.phases
        if state.is_open and not state.phase.is_optional and state.phase.id not in before
        for number in state.environments
        if number in automatic.get(state.phase.id, ())
    )


def _open(progression: Progression) -> set[str]:
    return {state.phase.id for state in progression.phases if state.is_open}
