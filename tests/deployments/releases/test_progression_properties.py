"""Progression against a slow reference that tries every way, on random lifecycles."""

from dataclasses import dataclass, replace
from itertools import combinations, product

from hypothesis import given
from hypothesis import strategies as st

from deployments.releases.progression import Phase, Progress, progress_of
from deployments.releases.tenancy.rules import TenantCase, why_not_for


@dataclass(frozen=True)
class World:
    """Phases of one release, and for a tenant the environments it is connected to."""

    phases: tuple[Phase, ...]
    succeeded: frozenset[int]
    has_defect: bool
    connected: frozenset[int] | None


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw up to five phases over environments of their own, with any successes."""
    phases, first = [], 1
    for number in range(draw(st.integers(0, 5))):
        count = draw(st.integers(0, 3))
        phases.append(
            Phase(
                id=str(number),
                name=f"Phase {number}",
                environments=tuple(range(first, first + count)),
                minimum=draw(st.integers(0, 4)),
                is_optional=draw(st.booleans()),
            )
        )
        first += count
    numbers = st.frozensets(st.integers(1, max(first, 2)))
    return World(
        phases=tuple(phases),
        succeeded=draw(numbers),
        has_defect=draw(st.booleans()),
        connected=draw(st.none() | numbers),
    )


def mine(world: World, phase: Phase) -> list[int]:
    """Return the environments of a phase that count."""
    return [n for n in phase.environments if world.connected is None or n in world.connected]


def is_complete(world: World, phase: Phase) -> bool:
    """Rule 2, by trying every set of environments that would be enough."""
    environments = mine(world, phase)
    needed = len(environments) if phase.minimum == 0 else min(phase.minimum, len(environments))
    return any(set(group) <= world.succeeded for group in combinations(environments, needed))


def may_go(world: World, environment: int) -> bool:
    """Rules 3, 6 and 7, from the environment backwards."""
    for number, phase in enumerate(world.phases):
        if environment not in mine(world, phase):
            continue
        before = world.phases[:number]
        if any(not p.is_optional and not is_complete(world, p) for p in before):
            return False
        is_first = all(not mine(world, p) for p in before)
        has_success = any(n in world.succeeded for n in mine(world, phase))
        return not world.has_defect or is_first or has_success
    return False


@given(worlds())
def test_where_a_release_may_go(world: World) -> None:
    found = progress_of(
        world.phases, world.succeeded, has_defect=world.has_defect, connected=world.connected
    )
    for phase in world.phases:
        for environment in phase.environments:
            assert found.may_deploy_to(environment) is may_go(world, environment)


@given(worlds())
def test_progress_of_phases(world: World) -> None:
    found = progress_of(
        world.phases, world.succeeded, has_defect=world.has_defect, connected=world.connected
    )
    complete = [is_complete(world, phase) for phase in world.phases]
    assert [state.progress is Progress.COMPLETE for state in found.phases] == complete
    open_ends = [
        number
        for number, phase in enumerate(world.phases)
        if not phase.is_optional and not complete[number]
    ]
    current = [n for n, state in enumerate(found.phases) if state.progress is Progress.CURRENT]
    assert current == open_ends[:1]
    assert found.current is (found.phases[open_ends[0]] if open_ends else None)
    # What is next may be deployed, has not succeeded and is of a phase that is not complete.
    expected = [
        environment
        for number, phase in enumerate(world.phases)
        if not complete[number]
        for environment in mine(world, phase)
        if environment not in world.succeeded and may_go(world, environment)
    ]
    assert list(found.next_environments) == expected


@given(worlds(), st.integers(1, 15))
def test_a_success_never_closes_anything(world: World, environment: int) -> None:
    """Rule 5: what was open stays open when more succeeds."""
    before = progress_of(
        world.phases, world.succeeded, has_defect=world.has_defect, connected=world.connected
    )
    after = progress_of(
        world.phases,
        world.succeeded | {environment},
        has_defect=world.has_defect,
        connected=world.connected,
    )
    for phase in world.phases:
        for number in phase.environments:
            assert not before.may_deploy_to(number) or after.may_deploy_to(number)


_SETS = ("Ring", "Region")
_TAGS = tuple(f"{tag_set}/{tag}" for tag_set in _SETS for tag in ("A", "B", "C"))


@dataclass(frozen=True)
class Lane:
    """A channel of a project, and the tenant for whom a release of it shall go, or none."""

    mode: str
    channel_tags: frozenset[str]
    tenant: TenantCase | None


@st.composite
def lanes(draw: st.DrawFn) -> Lane:
    tags = st.frozensets(st.sampled_from(_TAGS))
    tenant = st.builds(
        TenantCase,
        name=st.just("Acme"),
        tags=tags.map(lambda found: tuple(sorted(found))),
        is_disabled=st.booleans(),
        environments=st.none() | st.frozensets(st.integers(1, 6)),
    )
    modes = st.sampled_from(["Untenanted", "TenantedOrUntenanted", "Tenanted"])
    return Lane(draw(modes), draw(tags), draw(st.none() | tenant))


def is_meant(channel_tags: frozenset[str], carried: tuple[str, ...]) -> bool:
    """Whether a choice of one tag from each set that is named is wholly carried."""
    by_set = [[tag for tag in channel_tags if tag.startswith(name)] for name in _SETS]
    ways = product(*(tags for tags in by_set if tags))
    return any(set(way) <= set(carried) for way in ways)


def may_go_for(lane: Lane, world: World, environment: int) -> bool:
    """Rules 7.4, 8.3 and 13.2 to 13.4 from the definitions."""
    if lane.tenant is None:
        return lane.mode != "Tenanted" and may_go(replace(world, connected=None), environment)
    connected = lane.tenant.environments
    return (
        lane.mode != "Untenanted"
        and not lane.tenant.is_disabled
        and connected is not None
        and is_meant(lane.channel_tags, lane.tenant.tags)
        and may_go(replace(world, connected=connected), environment)
    )


@given(worlds(), lanes())
def test_for_whom_a_release_is(world: World, lane: Lane) -> None:
    tenant = lane.tenant
    found = progress_of(
        world.phases,
        world.succeeded,
        has_defect=world.has_defect,
        connected=tenant.environments if tenant else None,
    )
    for phase in world.phases:
        for environment in phase.environments:
            why = why_not_for(
                tenant,
                project="Web",
                mode=lane.mode,
                channel="Beta",
                channel_tags=sorted(lane.channel_tags),
                environment=environment,
                environment_name="Here",
            )
            may = not why and found.may_deploy_to(environment)
            assert may is may_go_for(lane, world, environment)
