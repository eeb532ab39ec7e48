"""Which release may go where next, on the dashboard's board."""

from dataclasses import replace
from datetime import UTC, datetime

from deployments.insights.board import (
    BoardRow,
    Candidate,
    ProjectFact,
    make_rows,
    next_places,
    tabs_of,
)
from deployments.releases.cells import Deployed
from deployments.releases.progression import Phase, progress_of

DEV, TEST, PROD, OTHER = 1, 2, 3, 4
PHASES = [Phase(str(number), str(number), (number,)) for number in (DEV, TEST, PROD)]
PROJECT = ProjectFact(10, "Web", "web", "Group", "Standard")
EVERYWHERE = {(10, number) for number in (DEV, TEST, PROD, OTHER)}


def candidate(number: int, *succeeded: int) -> Candidate:
    return Candidate(number, 10, f"1.0.{number}", progress_of(PHASES, succeeded))


def deployed(
    environment: int,
    release: int,
    state: str = "Success",
    *,
    has_warnings: bool = False,
    is_waiting: bool = False,
) -> Deployed:
    return Deployed(
        project=10,
        environment=environment,
        release=release,
        version=f"1.0.{release}",
        task=1,
        state=state,
        moment=datetime(2026, 1, 1, tzinfo=UTC),
        has_warnings=has_warnings,
        is_waiting=is_waiting,
    )


def row(
    there: list[Deployed], candidates: list[Candidate], may: set[tuple[int, int]] = EVERYWHERE
) -> BoardRow:
    return make_rows([PROJECT], (DEV, TEST, PROD, OTHER), there, candidates, may)[0]


def versions(made: BoardRow) -> list[str]:
    return [cell.next_version for cell in made.cells]


def test_a_new_release_may_go_to_the_first_phase() -> None:
    assert versions(row([], [candidate(1)])) == ["1.0.1", "", "", ""]


def test_the_newest_release_that_may_is_offered() -> None:
    there = [deployed(DEV, 2), deployed(TEST, 1)]
    made = row(there, [candidate(1, DEV, TEST), candidate(2, DEV)])
    assert versions(made) == ["", "1.0.2", "1.0.1", ""]


def test_an_older_release_is_not_offered_over_a_newer_one() -> None:
    there = [deployed(DEV, 2), deployed(TEST, 2), deployed(PROD, 2)]
    made = row(there, [candidate(1, DEV, TEST), candidate(2, DEV, TEST, PROD)])
    assert versions(made) == ["", "", "", ""]


def test_nothing_is_offered_where_the_reader_may_not_deploy() -> None:
    assert versions(row([], [candidate(1)], may={(10, PROD)})) == ["", "", "", ""]


def test_an_environment_outside_of_the_lifecycle_is_not_reachable() -> None:
    assert [cell.is_reachable for cell in row([], [candidate(1)]).cells] == [
        True,
        True,
        True,
        False,
    ]


def test_projects_stand_in_tabs_by_what_is_deployed() -> None:
    found = tabs_of(
        [
            replace(deployed(DEV, 1, "Failed"), project=1),
            replace(deployed(DEV, 1, "Paused", is_waiting=True), project=2),
            replace(deployed(DEV, 1), project=3),
            replace(deployed(TEST, 1, "TimedOut"), project=2),
        ]
    )
    assert found == {"waiting": {2}, "failing": {1, 2}, "running": {2}}


def test_a_project_is_ready_where_something_may_go_next() -> None:
    places = (DEV, TEST, PROD)
    assert list(next_places([candidate(1, DEV)], places, {DEV: 1})) == [TEST]
    assert list(next_places([candidate(1), candidate(2, DEV)], places, {})) == [DEV, TEST]
    everywhere = candidate(1, DEV, TEST, PROD)
    assert not list(next_places([everywhere], places, dict.fromkeys(places, 1)))


def test_a_question_and_warnings_go_before_the_state() -> None:
    assert deployed(DEV, 1, "Executing", is_waiting=True).shown_state == "Paused"
    assert deployed(DEV, 1, has_warnings=True).shown_state == "SuccessWithWarning"
    assert deployed(DEV, 1).shown_state == "Success"
