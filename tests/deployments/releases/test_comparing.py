"""Comparing releases: process, variables, packages, notes."""

from typing import Any

import pytest

from deployments.infrastructure.models import Environment
from deployments.library.services import VariableInput
from deployments.projects.models import Project
from deployments.releases.availability import missing_of
from deployments.releases.comparison.processes import changed_steps
from deployments.releases.comparison.releases import compare
from deployments.releases.services import delete_release
from packages_feed.models import PackageVersion
from packages_feed.services import delete_version
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, default_space, make_ana, make_cleo, make_dan, make_space
from tests.factories.children import child_step
from tests.factories.domain import (
    make_environment,
    make_lifecycle,
    make_package,
    make_process,
    make_project,
    make_release,
    make_variables,
    package_step,
    script_step,
)
from tests.factories.people import as_person, give_role, make_user
from tests.support.cases import case_name, cases
from tests.support.portal import Visitor, text_of


def steps(rows: list[list[str]]) -> list[dict[str, Any]]:
    return [
        {**script_step(name, body=body), "Id": number, "Slug": f"slug-{number}"}
        for number, name, body in rows
    ]


@pytest.mark.parametrize("case", cases("releases", "process_changes"), ids=case_name)
def test_processes(case: dict[str, Any]) -> None:
    found = changed_steps(steps(case["old"]), steps(case["new"]))
    assert [[change.name, change.kind] for change in found] == case["changes"]


def test_settings_of_a_step() -> None:
    old, new = script_step("A", body="one\ntwo\nthree"), script_step("A", body="one\n2\nthree")
    new["Condition"] = "Always"
    new["Actions"][0]["Properties"]["Key"] = {"sealed": "bbbb"}
    old["Actions"][0]["Properties"]["Key"] = {"sealed": "aaaa"}
    new["Actions"].append({"Name": "B", "ActionType": "Octopus.Script"})
    [change] = changed_steps([old], [new])
    parts = {part.label: part for part in change.parts}
    assert (parts["Condition"].old, parts["Condition"].new) == (None, "Always")
    assert parts["A: Script.ScriptBody"].lines == (
        ("@", "@ -1,3 +1,3 @@"),
        (" ", "one"),
        ("-", "two"),
        ("+", "2"),
        (" ", "three"),
    )
    assert parts["A: Key"].is_secret
    assert "aaaa" not in str(change)
    assert "bbbb" not in str(change)
    assert parts["B: action"].new == "added"


def lines_of(old: list[str], new: list[str]) -> list[str]:
    [change] = changed_steps(
        steps([["1", "A", "\n".join(old)]]), steps([["1", "A", "\n".join(new)]])
    )
    return [sign + text for sign, text in change.parts[0].lines if sign != "@"]


def test_long_scripts_are_compared_where_they_differ() -> None:
    old = [f"line {number}" for number in range(5000)]
    new = [*old[:2500], "added", *old[2500:]]
    assert lines_of(old, new) == [" line 2498", " line 2499", "+added", " line 2500", " line 2501"]
    assert lines_of(old, [*old, "end"]) == [" line 4998", " line 4999", "+end"]
    assert lines_of(["a", "a"], ["a", "a", "a"]) == [" a", " a", "+a"]
    # What has nothing in common is shown side by side, without lines.
    assert lines_of(old, [f"other {number}" for number in range(5000)]) == []


@pytest.fixture
def project(db: None) -> Project:
    make_package("Acme.Web", "1.0.0")
    lifecycle = make_lifecycle(make_environment("Dev"))
    return make_project("Web", lifecycle=lifecycle, steps=[package_step("Acme.Web", "Deploy")])


def test_two_releases(project: Project) -> None:
    make_variables(
        project,
        VariableInput("Same", "1"),
        VariableInput("Url", "old"),
        VariableInput("Key", "secret-1", kind="Sensitive"),
    )
    first = make_release(project, "1.0.0", notes="First")
    make_package("Acme.Web", "1.1.0")
    make_process(project, package_step("Acme.Web", "Deploy"), script_step("Warm up"))
    make_variables(
        project,
        VariableInput("Same", "1"),
        VariableInput("Url", "new"),
        VariableInput("Key", "secret-2", kind="Sensitive"),
    )
    second = make_release(project, "1.1.0", notes="Second", custom_fields={"Ticket": "7"})
    found = compare(SYSTEM, first, second)
    assert [(step.name, step.kind) for step in found.steps or ()] == [("Warm up", "added")]
    assert [(c.name, c.old, c.new) for c in found.variables] == [
        ("Key", None, None),
        ("Url", "old", "new"),
    ]
    assert [(p.package, p.old, p.new) for p in found.packages] == [("Acme.Web", "1.0.0", "1.1.0")]
    assert found.fields == [("Ticket", "", "7")]
    assert [release.version for release in found.notes] == ["1.1.0"]
    assert compare(SYSTEM, second, second).is_empty
    assert compare(SYSTEM, second, None).is_empty


def test_the_page(project: Project) -> None:
    make_release(project, "1.0.0", notes="First")
    make_process(project, script_step("Warm <up>"))
    make_variables(project, VariableInput("Url", "new"))
    make_release(project, "1.1.0", notes="Second **note**")
    ana = Visitor(make_ana())
    page = "projects/web/releases/compare"
    assert "Choose two releases" in text_of(ana.get(page))
    # Two marks in the list, in any order; the older comes first.
    answer = ana.get(page, {"release": ["1.1.0", "1.0.0"]})
    text = text_of(answer)
    assert "Compare 1.0.0 with 1.1.0" in text
    for word in ("Warm <up> Added", "Deploy Removed", "Url", "Not in it", "Notes between 1"):
        assert word in text, word
    assert "The same in both" not in text
    assert "<strong>note</strong>" in answer.content.decode()
    assert "Only two releases" in text_of(ana.get(page, {"release": ["1.0.0", "1.1.0", "x"]}))
    assert "No differences" in text_of(ana.get(page, {"from": "1.1.0", "to": "now"}))
    assert "Warm <up> Added" in text_of(ana.get(page, {"from": "1.0.0", "to": "now"}))
    make_variables(project, VariableInput("Url", "newer"))
    now = text_of(ana.get(page, {"from": "1.1.0", "to": "now"}))
    assert "The same in both: process." in now
    assert "Compare 1.1.0 with the project now" in text_of(ana.get(page, {"to": "now"}))
    assert "Choose two releases" in text_of(ana.get(page, {"from": "9", "to": "1.0.0"}))
    assert "What changed" in text_of(ana.get("projects/web/releases/1.0.0"))


def test_everybody_sees_what_is_theirs(project: Project) -> None:
    make_release(project, "1.0.0")
    make_variables(project, VariableInput("Url", "hidden-value"))
    make_release(project, "1.1.0")
    query = {"from": "1.0.0", "to": "1.1.0"}
    page = "projects/web/releases/compare"
    cleo = Visitor(make_cleo(default_space()))
    assert cleo.get(page, query).status_code == 200
    assert Visitor(make_dan(make_space())).get(page, query).status_code == 404
    limited = make_user("eve")
    give_role(limited, "userroles-packagepublisher", default_space())
    assert Visitor(as_person(limited)).get(page, query).status_code == 403


def test_missing_packages(project: Project) -> None:
    child = make_project("Child")
    make_process(project, package_step("Acme.Web", "Deploy"), child_step(child))
    of_child = make_release(child, "2.0.0")
    release = make_release(project)
    assert missing_of(release) == []
    delete_version(actor=SYSTEM, version=PackageVersion.objects.in_space(default_space()).get())
    delete_release(actor=SYSTEM, release=of_child)
    assert [(row.package_id, row.version) for row in missing_of(release)] == [
        ("Acme.Web", "1.0.0"),
        (child.public_id, "2.0.0"),
    ]
    ana = make_ana()
    _, body = send(ana, "get", f"{S}/releases/{release.public_id}/missingpackages")
    assert body["Packages"][0] == {"Id": "Acme.Web", "Version": "1.0.0"}
    visitor = Visitor(ana)
    assert "1.0.0 Missing" in text_of(visitor.get(f"projects/web/releases/{release.version}"))
    page = visitor.get(f"projects/web/releases/{release.version}/deploy")
    assert "Packages of this release are missing" in text_of(page)
    sent = {"environment": project_environment(project).public_id}
    refused = visitor.post(f"projects/web/releases/{release.version}/deploy", sent)
    assert refused.status_code == 400
    assert f"are missing: Acme.Web 1.0.0, {child.public_id} 2.0.0." in text_of(refused)
    without = [step["Actions"][0]["Id"] for step in release.process_snapshot.steps]
    left_out = visitor.post(
        f"projects/web/releases/{release.version}/deploy", {**sent, "skip": without}
    )
    assert left_out.status_code == 302


def project_environment(project: Project) -> Environment:
    return Environment.objects.in_space(project.space).get()
