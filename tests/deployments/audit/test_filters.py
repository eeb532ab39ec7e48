"""What a filter chooses, and that nobody sees more than they may, be it in pages or in files."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.audit import exports
from deployments.audit.filters import EventFilter, chosen
from deployments.audit.queries import visible_parts
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.models import Event, Space
from tests.deployments.calls import send
from tests.factories import Person, default_space, make_ana, make_ben, make_cleo, make_dan
from tests.factories import make_space as new_space
from tests.factories.domain import make_environment, make_project
from tests.factories.execution import SettableClock
from tests.factories.people import as_person, give_role, make_user
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
PAGE = "administration/audit"
DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLI = Actor(
    777_777, "robot", "Robot", "ApiKey", user_agent="octopus-cli/2", credential="API-ABCD… (CI)"
)


def happen(message: str, *related: str, space: Space | None = None, **given: Any) -> None:
    """Record an event of the robot; its kind is Tested unless told otherwise."""
    clock = SettableClock()
    clock.now = given.pop("occurred", DAY)
    values = {"actor": CLI, "category": "Tested", "subject": "Deployments-1", **given}
    events.record(
        space=space or default_space(), message=message, related=related, clock=clock, **values
    )


def found(person: Person, query: str) -> set[str]:
    status, answer = send(person, "get", f"/api/Spaces-1/events?take=1000&{query}")
    assert status == 200, answer
    return {item["Message"] for item in answer["Items"]}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("eventCategories=Tested", {"one", "two", "three"}),
        ("eventCategories=Tested&projects=Projects-901", {"one", "two"}),
        ("eventCategories=Tested&projects=Projects-901,Projects-902", {"one", "two", "three"}),
        ("projects=Projects-901&environments=Environments-901", {"one"}),
        ("regarding=Projects-901&regarding=Environments-902", {"two"}),
        ("regardingAny=Environments-901,Environments-902", {"one", "two"}),
        ("tenants=Tenants-901", {"three"}),
        ("users=Users-777777", {"one", "two", "three"}),
        ("eventAgents=OctopusCli&from=2026-03-01&to=2026-03-02", {"one", "two", "three"}),
        ("eventAgents=Portal&eventCategories=Tested", set()),
        ("eventCategories=Tested&to=2026-02-28", set()),
        ("eventCategories=Tested&from=2026-03-02", set()),
        ("eventGroups=Login,Tested", {"one", "two", "three"}),
        ("documentTypes=Deployments", {"one", "two", "three"}),
        ("documentTypes=Deployment", set()),
        ("tags=Nothing/Here&eventCategories=Tested", set()),
    ],
)
def test_filters_of_rest(query: str, expected: set[str]) -> None:
    ana = make_ana()
    happen("one", "Projects-901", "Environments-901")
    happen("two", "Projects-901", "Environments-902")
    happen("three", "Projects-902", "Tenants-901")
    assert found(ana, query) == expected


def test_a_group_stands_for_its_projects() -> None:
    ana, project = make_ana(), make_project()
    happen("in the group", project.public_id)
    assert "in the group" in found(ana, f"projectGroups=ProjectGroups-{project.group_id}")
    page = Visitor(ana).get(PAGE, {"project_group": f"ProjectGroups-{project.group_id}"})
    assert "in the group" in text_of(page)


def test_the_page_tells_how_somebody_was_known_and_what_it_was_about() -> None:
    happen("deployed", "Projects-901", before={"A": 1}, after={"A": 2})
    answer = Visitor(make_ana()).get(PAGE, {"kind": "Tested"})
    text = text_of(answer)
    assert "ApiKey API-ABCD… (CI)" in text
    assert "Octopus CLI: octopus-cli/2" in text
    assert "1 change" in text
    assert 'href="/app/Spaces-1/projects/Projects-901"' in answer.content.decode()


def test_a_key_is_named_by_its_beginning_and_purpose() -> None:
    ana = make_ana()
    assert send(ana, "post", "/api/Spaces-1/environments", {"Name": "By key"})[0] == 201
    _, answer = send(ana, "get", "/api/Spaces-1/events?take=1&eventCategories=Created")
    known = answer["Items"][0]["IdentityEstablishedWith"]
    assert known == f"ApiKey {ana.api_key[:8]}… (tests)"


def test_dates_of_the_page_are_whole_days_and_wrong_ones_are_told() -> None:
    happen("at noon")
    ana = Visitor(make_ana())
    assert "at noon" in text_of(ana.get(PAGE, {"from": "2026-03-01", "to": "2026-03-01"}))
    assert "at noon" not in text_of(ana.get(PAGE, {"to": "2026-02-28"}))
    assert "32nd is no date" in text_of(ana.get(PAGE, {"from": "32nd"}))
    assert ana.get(PAGE, {"to": "9999-12-31"}).status_code == 200
    assert ana.get(PAGE, {"before": "1", "about": "x" * 9000}).status_code == 200


def test_nobody_sees_more_than_they_may() -> None:
    space, other = default_space(), new_space()
    staging, production = make_environment("Staging"), make_environment("Production")
    happen("to staging", staging.public_id)
    happen("to production", production.public_id)
    happen("elsewhere", staging.public_id, space=other)
    limited = make_user("limited")
    give_role(limited, "userroles-projectviewer", space, {"environment": [staging.public_id]})
    people = {
        make_ana(): {"to staging", "to production"},
        make_cleo(space): {"to staging", "to production"},
        as_person(limited): {"to staging"},
    }
    for person, expected in people.items():
        assert found(person, "eventCategories=Tested") == expected
        visitor = Visitor(person)
        csv_file = download(visitor, "csv")
        assert {row["Message"] for row in csv.DictReader(io.StringIO(csv_file))} == expected
        lines = [json.loads(text) for text in download(visitor, "jsonl").splitlines()]
        assert {each["Message"] for each in lines} == expected
    dan = make_dan(other)
    assert send(dan, "get", "/api/Spaces-1/events")[0] == 404
    assert Visitor(dan).get(f"{PAGE}/export/csv").status_code == 404
    assert Visitor(make_ben(other)).get(f"{PAGE}/export/csv").status_code in {403, 404}


@pytest.mark.parametrize(("counted_ahead", "deep"), [(250, 10_000), (0, 10_000), (0, 2)])
def test_pages_of_somebody_with_several_roles_are_in_order(
    counted_ahead: int, deep: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each event once, newest first, be they read role by role or, far behind, all at once."""
    monkeypatch.setattr("deployments.audit.queries._COUNTED_IF_LIMITED", counted_ahead)
    monkeypatch.setattr("deployments.audit.queries._DEEP", deep)
    space, project, staging = default_space(), make_project(), make_environment()
    user, mine, its = make_user(), project.public_id, staging.public_id
    for scope in ({"project": [mine]}, {"environment": [its]}, {"project": [mine]}):
        give_role(user, "userroles-projectviewer", space, scope)
    for number, related in enumerate(([mine], [its], [], [mine, its], [its], [mine])):
        happen(str(number), *related)
    person, seen = as_person(user), []
    for skip in range(6):
        path = f"/api/Spaces-1/events?eventCategories=Tested&take=1&skip={skip}"
        status, answer = send(person, "get", path)
        assert status == 200, answer
        seen += [item["Message"] for item in answer["Items"]]
        assert answer["TotalResults"] == min(5, skip + 1 + counted_ahead)
    assert seen == ["5", "4", "3", "1", "0"]
    assert len(visible_parts(person.actor, space)) == 2


@pytest.mark.parametrize("by", ["Page.Next", "TotalResults"])
def test_whoever_reads_page_by_page_reads_everything(
    by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the link to the next page, or for as long as there are more than were read."""
    monkeypatch.setattr("deployments.audit.queries._COUNTED_IF_LIMITED", 3)
    monkeypatch.setattr("deployments.audit.queries._DEEP", 8)
    space, project = default_space(), make_project()
    user = make_user()
    give_role(user, "userroles-projectviewer", space, {"project": [project.public_id]})
    for number in range(12):
        happen(str(number), project.public_id)
    person, seen = as_person(user), []
    path: str | None = "/api/Spaces-1/events?eventCategories=Tested&take=2"
    while path:
        status, answer = send(person, "get", path)
        assert status == 200, answer
        seen += [int(item["Message"]) for item in answer["Items"]]
        assert len(seen) < answer["TotalResults"] or seen[-1] == 0
        if by == "Page.Next":
            path = answer["Links"].get("Page.Next")
        else:
            more = len(seen) < answer["TotalResults"]
            first = "/api/Spaces-1/events?eventCategories=Tested&take=2"
            path = f"{first}&skip={len(seen)}" if more else None
    assert seen == list(range(11, -1, -1))


def download(visitor: Visitor, form: str) -> str:
    answer = visitor.get(f"{PAGE}/export/{form}", {"kind": "Tested"})
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


def test_an_export_is_read_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "_BATCH", 2)
    for number in range(5):
        happen(f"=number {number}")
    ana = make_ana()
    answer: Any = ana.api.get("/api/Spaces-1/events?eventCategories=Tested&asCsv=true")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [row["Message"] for row in rows] == [f"'=number {n}" for n in (4, 3, 2, 1, 0)]


def test_a_page_takes_the_same_queries_however_many_events() -> None:
    ana = Visitor(make_ana())
    ana.get(PAGE)
    counts = []
    for _ in range(2):
        for number in range(5):
            happen(f"{number}", "Projects-1", "Environments-1")
        with CaptureQueriesContext(connection) as queries:
            assert ana.get(PAGE).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 25


@pytest.mark.parametrize(
    "wanted",
    [
        EventFilter(),
        EventFilter(categories=("Tested",)),
        EventFilter(groups=("Machine",)),
        EventFilter(users=("Users-777777",)),
        EventFilter(projects=("Projects-1",), environments=("Environments-1",)),
        EventFilter(begin=DAY, end=DAY),
    ],
    ids=["all", "kind", "group", "person", "documents", "times"],
)
def test_the_newest_come_in_the_order_of_an_index(wanted: EventFilter) -> None:
    """Sorting what fits would take as long as there are events."""
    space, staging = default_space(), make_environment()
    limited = make_user("limited")
    give_role(limited, "userroles-projectviewer", space, {"environment": [staging.public_id]})
    parts = [
        *visible_parts(make_ana().actor, space),
        *visible_parts(as_person(limited).actor, space),
    ]
    assert len(parts) == 3
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # Of a few rows it would else read all and sort them.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    for part in parts:
        rows = chosen(Event.objects.filter(part), wanted, [space]).order_by("-id")
        plan = rows.values_list("pk")[:51].explain()
        assert "Sort" not in plan, plan
        assert "TEMP B-TREE" not in plan, plan


def test_lists_of_what_can_be_chosen() -> None:
    ana = make_ana()
    for name, key in (
        ("agents", "OctopusCli"),
        ("categories", "DeploymentFailed"),
        ("groups", "MachineCritical"),
        ("documenttypes", "Projects"),
    ):
        status, answer = send(ana, "get", f"/api/events/{name}")
        assert status == 200
        assert key in {item["Id"] for item in answer}


def test_a_page_has_an_end_whatever_is_asked_for() -> None:
    status, answer = send(make_ana(), "get", "/api/events?take=2147483647")
    assert (status, answer["ItemsPerPage"]) == (200, 10_000)
