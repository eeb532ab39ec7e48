"""Library variable sets: included in projects, frozen with releases, over REST."""

from typing import Any

import pytest

from deployments.base.errors import Invalid
from deployments.base.models import Event
from deployments.library.models import LibraryVariableSet, Variable
from deployments.library.scoping import ScopeContext, resolve
from deployments.library.services import (
    VariableInput,
    create_library_set,
    delete_library_set,
    replace_variables,
)
from deployments.library.values import open_candidate
from deployments.projects.models import Project
from deployments.projects.queries import project_candidates
from deployments.projects.services.cloning import clone_project
from deployments.releases.comparison.variables import changed_variables
from deployments.releases.models import Release
from deployments.releases.services.editing import update_variables_of_release
from deployments.releases.services.runbook_snapshots import create_runbook_snapshot
from deployments.releases.variables import frozen_candidates, library_is_modified, prompts_of
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, default_space, give_role, make_ana, make_cleo, make_dan
from tests.factories.domain import (
    make_environment,
    make_project,
    make_release,
    make_variables,
    script_step,
)
from tests.factories.library import include, make_library_set
from tests.factories.people import as_person, make_user
from tests.factories.runbooks import make_runbook
from tests.factories.spaces import make_space

pytestmark = pytest.mark.django_db


def winner(candidates: Any, name: str, **context: Any) -> str | None:
    found = resolve(name, candidates, ScopeContext(**context))
    value = open_candidate(found.candidate) if found else None
    return value if value is None or isinstance(value, str) else value.reveal()


def fresh(project: Project) -> Project:
    return Project.objects.in_space(project.space).get(pk=project.pk)


def test_the_project_wins_a_tie_then_the_set_that_is_included_first() -> None:
    production = make_environment("Production")
    project = make_project("Web", steps=[script_step()])
    scope = {"Environment": [production.public_id]}
    make_variables(project, VariableInput("Url", "project"))
    first = make_library_set(
        "First", VariableInput("Url", "first"), VariableInput("Ttl", "1"), projects=[project]
    )
    second = make_library_set(
        "Second", VariableInput("Ttl", "2"), VariableInput("Url", "scoped", scope=scope)
    )
    include(project, first.public_id, second.public_id)
    rows = project_candidates(project)
    assert winner(rows, "Url") == "project"
    assert winner(rows, "Ttl") == "1"
    assert winner(rows, "Url", environment=production.public_id) == "scoped"
    include(project, second.public_id, first.public_id)
    assert winner(project_candidates(project), "Ttl") == "2"


def test_a_release_freezes_what_is_included() -> None:
    project = make_project("Web", steps=[script_step()])
    row = make_library_set(
        "Common",
        VariableInput("Url", "old"),
        VariableInput("Key", "s3cret!", is_sensitive=True),
        projects=[project],
    )
    release = make_release(project)
    again = make_release(project)
    assert again.library_snapshots == release.library_snapshots
    values = [VariableInput("Url", "new"), VariableInput("Key", "other", is_sensitive=True)]
    replace_variables(actor=SYSTEM, variable_set=row.values, variables=values)
    stored = Release.objects.in_space(release.space).get(pk=release.pk)
    assert winner(frozen_candidates(stored), "Url") == "old"
    assert winner(frozen_candidates(stored), "Key") == "s3cret!"
    changes = {
        change.name: (change.old, change.new) for change in changed_variables(SYSTEM, stored)
    }
    assert changes == {"Url": ("old", "new"), "Key": (None, None)}
    update_variables_of_release(actor=SYSTEM, release=stored)
    assert winner(frozen_candidates(stored), "Url") == "new"
    assert changed_variables(SYSTEM, stored) == []
    include(project)
    stored.project = fresh(project)
    assert [change.is_now for change in changed_variables(SYSTEM, stored)] == [False, False]


def test_a_runbook_snapshot_freezes_it_too_and_prompts_are_asked() -> None:
    project = make_project("Web", steps=[script_step()])
    prompt = {"label": "Why", "required": True}
    row = make_library_set("Common", VariableInput("Reason", "", prompt=prompt), projects=[project])
    snapshot = create_runbook_snapshot(actor=SYSTEM, runbook=make_runbook(project))
    assert [document["name"] for document, _ in prompts_of(snapshot)] == ["Reason"]
    assert not library_is_modified(snapshot)
    replace_variables(actor=SYSTEM, variable_set=row.values, variables=[])
    assert library_is_modified(snapshot)


def test_events_name_whose_variables_changed() -> None:
    project = make_project("Web")
    make_library_set("Common", VariableInput("Url", "x"), projects=[project])
    make_variables(project, VariableInput("Url", "y"))
    said = Event.objects.filter(message__startswith="Variables of").order_by("pk")
    assert list(said.values_list("message", flat=True)) == [
        "Variables of the variable set Common changed",
        "Variables of Web changed",
    ]


def test_a_set_in_use_stays_and_releases_outlive_it() -> None:
    project = make_project("Web", steps=[script_step()])
    row = make_library_set("Common", VariableInput("Url", "x"), projects=[project])
    release = make_release(project)
    with pytest.raises(Invalid, match="included in Web"):
        delete_library_set(actor=SYSTEM, row=row)
    include(project)
    delete_library_set(actor=SYSTEM, row=row)
    assert winner(frozen_candidates(release), "Url") == "x"
    assert not Variable.objects.in_space(project.space).exists()
    assert Event.objects.order_by("-pk")[0].category == "Deleted"


def test_values_of_the_library_know_no_step_and_no_channel() -> None:
    row = make_library_set("Common")
    for dimension in ("Action", "Channel", "ProcessOwner", "Tenant"):
        with pytest.raises(Invalid, match="cannot be scoped"):
            replace_variables(
                actor=SYSTEM,
                variable_set=row.values,
                variables=[VariableInput("A", "1", scope={dimension: ["x"]})],
            )


def test_names_are_unique_in_the_space() -> None:
    make_library_set("Common")
    with pytest.raises(Invalid) as refused:
        create_library_set(actor=SYSTEM, space=default_space(), name="common")
    assert "already exists" in str(refused.value.fields)


def test_a_clone_includes_the_same_sets() -> None:
    project = make_project("Web", steps=[script_step()])
    row = make_library_set("Common", VariableInput("Url", "x"), projects=[project])
    copy = clone_project(actor=SYSTEM, source=fresh(project), name="Copy")
    assert winner(project_candidates(copy), "Url") == "x"
    assert copy.extra["IncludedLibraryVariableSetIds"] == [row.public_id]


def test_sets_and_values_over_rest() -> None:
    ana = make_ana()
    production = make_environment("Production")
    body: Any = {"Name": "Common", "Description": "for all", "Templates": [{"Name": "Db"}]}
    status, made = send(ana, "post", f"{S}/libraryvariablesets", body)
    assert (status, made["ContentType"], made["Templates"][0]["Name"]) == (201, "Variables", "Db")
    path = f"{S}/libraryvariablesets/{made['Id']}"
    values = f"{S}/variables/{made['VariableSetId']}"
    _, found = send(ana, "get", values)
    assert (found["OwnerId"], found["Variables"]) == (made["Id"], [])
    assert [row["Name"] for row in found["ScopeValues"]["Environments"]] == ["Production"]
    found["Variables"] = [
        {"Name": "Url", "Value": "x", "Scope": {"Environment": [production.public_id]}},
        {"Name": "Key", "Value": "s3cret!", "IsSensitive": True},
    ]
    status, stored = send(ana, "put", values, found)
    assert (status, stored["Version"]) == (200, 1)
    assert "s3cret!" not in str(stored)
    assert send(ana, "put", values, found)[0] == 400  # somebody else was faster
    made["Name"] = "Shared"
    assert send(ana, "put", path, made)[1]["Name"] == "Shared"
    assert send(ana, "get", f"{S}/libraryvariablesets")[1]["TotalResults"] == 1
    assert len(send(ana, "get", f"{S}/libraryvariablesets/all?contentType=ScriptModule")[1]) == 0
    project = make_project("Web", steps=[script_step()])
    _, resource = send(ana, "get", f"{S}/projects/{project.public_id}")
    resource["IncludedLibraryVariableSetIds"] = [made["Id"]]
    assert send(ana, "put", f"{S}/projects/{project.public_id}", resource)[0] == 200
    [use] = send(ana, "get", f"{path}/usages")[1]["Projects"]
    assert use["ProjectName"] == "Web"
    assert send(ana, "delete", path)[0] == 400
    query = f"project={project.public_id}"
    assert send(ana, "get", f"{S}/variables/names?{query}")[1] == ["Key", "Url"]
    query += f"&environment={production.public_id}"
    _, won = send(ana, "get", f"{S}/variables/preview?{query}")
    assert [row["Name"] for row in won["Variables"]] == ["Key", "Url"]
    release = make_release(fresh(project))
    _, shown = send(ana, "get", f"{S}/releases/{release.public_id}")
    [snapshot] = shown["LibraryVariableSetSnapshotIds"]
    _, frozen = send(ana, "get", f"{S}/variables/{snapshot}")
    assert [row["Name"] for row in frozen["Variables"]] == ["Url", "Key"]
    assert "s3cret!" not in str(frozen)
    template = f"{S}/releases/{release.public_id}/deployments/template"
    assert not send(ana, "get", template)[1]["IsLibraryVariableSetModified"]
    send(ana, "put", values, {**stored, "Variables": []})
    assert send(ana, "get", template)[1]["IsLibraryVariableSetModified"]
    for wrong in (["LibraryVariableSets-999999999"], "x", [5]):
        resource["IncludedLibraryVariableSetIds"] = wrong
        answer = send(ana, "put", f"{S}/projects/{project.public_id}", resource)
        assert answer[0] == (200 if wrong == "x" else 400), wrong
    refused: list[Any] = [
        {"Name": ""},
        {"Name": "A", "Templates": [{"Name": ""}]},
        {"Name": "SHARED"},
    ]
    for body in refused:
        assert send(ana, "post", f"{S}/libraryvariablesets", body)[0] == 400, body


def test_who_may_do_what_with_sets() -> None:
    row = make_library_set("Common", VariableInput("Url", "x"))
    project = make_project("Web")
    path, values = (
        f"{S}/libraryvariablesets/{row.public_id}",
        f"{S}/variables/{row.values.public_id}",
    )
    cleo, dan = make_cleo(default_space()), make_dan(make_space("Other"))
    assert send(cleo, "get", path)[0] == 200
    assert send(cleo, "put", path, {"Name": "X"})[0] == 403
    assert send(cleo, "put", values, {"Variables": [], "Version": 1})[0] == 403
    assert send(cleo, "delete", path)[0] == 403
    assert send(dan, "get", path)[0] == 404
    assert send(dan, "get", values)[0] == 404
    ben = make_user()
    scope = {"project": [project.public_id]}
    give_role(ben, "userroles-projectdeployer", default_space(), scope)
    # A role that holds for one project does not reach values that all share.
    answer = send(as_person(ben), "get", values)
    assert (answer[0], answer[1]["Variables"]) == (200, [])
    assert LibraryVariableSet.objects.in_space(default_space()).count() == 1
