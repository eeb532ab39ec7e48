"""Script modules: written as one thing, frozen as variables, over REST and on pages."""

import pytest

from agent.contracts.script_modules import file_name
from deployments.base.errors import Invalid, NotPermitted
from deployments.library.models import LibraryVariableSet
from deployments.library.queries import variables_of
from deployments.library.script_modules import ScriptModule
from deployments.library.services import create_script_module, update_script_module
from deployments.projects.queries import project_candidates
from deployments.releases.variables import frozen_candidates
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, default_space, make_ana, make_cleo, make_dan, make_space
from tests.factories.domain import make_project, make_release, script_step
from tests.factories.library import include, make_library_set, make_script_module
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
LIST = "projects/script-modules"
BODY, LANGUAGE = "Octopus.Script.Module[Say Hello]", "Octopus.Script.Module.Language[Say Hello]"


def stored(row: LibraryVariableSet) -> dict[str, str | None]:
    return {each.name: each.value for each in variables_of(row.values)}


@pytest.mark.parametrize(
    ("name", "language", "file"),
    [
        ("Say Hello!", "Bash", "SayHello.sh"),
        ("sums_2", "Python", "sums_2.py"),
        ("Old", "PowerShell", "Old.psm1"),
    ],
)
def test_names_of_files(name: str, language: str, file: str) -> None:
    assert file_name(name, language) == file


def test_a_module_is_two_variables_and_frozen_with_releases() -> None:
    project = make_project("Web", steps=[script_step()])
    row = make_script_module(body="one", projects=[project])
    assert stored(row) == {BODY: "one", LANGUAGE: "Bash"}
    ids = {each.name: each.guid for each in variables_of(row.values)}
    release = make_release(project)
    update_script_module(
        actor=SYSTEM, row=row, name="Say Hello", module=ScriptModule("Python", "two")
    )
    assert stored(row) == {BODY: "two", LANGUAGE: "Python"}
    assert {each.name: each.guid for each in variables_of(row.values)} == ids
    assert {each.value for each in frozen_candidates(release)} >= {"one", "Bash"}
    assert {each.value for each in project_candidates(project)} >= {"two", "Python"}
    update_script_module(actor=SYSTEM, row=row, name="Hi", module=ScriptModule("Bash", "two"))
    assert set(stored(row)) == {
        "Octopus.Script.Module[Hi]",
        "Octopus.Script.Module.Language[Hi]",
    }


def test_what_is_refused() -> None:
    make_library_set("Taken")
    for name, language, body, word in (
        ("", "Bash", "x", "Name"),
        ("Taken", "Bash", "x", "Name"),
        ("!!!", "Bash", "x", "Name"),
        ("A", "Perl", "x", "Syntax"),
        ("A", "Bash", "  ", "ScriptBody"),
    ):
        with pytest.raises(Invalid) as refused:
            create_script_module(
                actor=SYSTEM, space=default_space(), name=name, module=ScriptModule(language, body)
            )
        assert word in refused.value.fields
    assert not LibraryVariableSet.objects.in_space(default_space()).exclude(name="Taken").exists()
    with pytest.raises(NotPermitted):
        create_script_module(
            actor=make_cleo(default_space()).actor,
            space=default_space(),
            name="A",
            module=ScriptModule("Bash", "x"),
        )


def test_by_rest() -> None:
    ana, sets = make_ana(), f"{S}/libraryvariablesets"
    body = {"Name": "Say Hello", "ContentType": "ScriptModule"}
    status, made = send(ana, "post", sets, body)
    assert (status, made["ContentType"]) == (201, "ScriptModule")
    make_library_set("Common")
    for kind, names in (("ScriptModule", ["Say Hello"]), ("Variables", ["Common"])):
        found = send(ana, "get", f"{sets}?contentType={kind}")[1]["Items"]
        assert [row["Name"] for row in found] == names
    values = f"{S}/variables/{made['VariableSetId']}"
    variables = [{"Name": BODY, "Value": "x"}, {"Name": LANGUAGE, "Value": "Bash"}]
    sent = {**send(ana, "get", values)[1], "Variables": variables}
    assert send(ana, "put", values, sent)[0] == 200
    _, renamed = send(ana, "put", f"{sets}/{made['Id']}", {"Name": "Hi"})
    assert (renamed["Name"], renamed["ContentType"]) == ("Hi", "ScriptModule")
    assert {row["Name"] for row in send(ana, "get", values)[1]["Variables"]} == {
        "Octopus.Script.Module[Hi]",
        "Octopus.Script.Module.Language[Hi]",
    }
    assert send(ana, "post", sets, {"Name": "X", "ContentType": "Other"})[0] == 400


def test_the_pages() -> None:
    ana = Visitor(make_ana())
    assert "No script modules yet" in text_of(ana.get(LIST))
    sent = {"name": "Say Hello", "language": "Bash", "body": "say() {\r\n  echo hi\r\n}"}
    assert ana.post(LIST, {**sent, "body": ""}).status_code == 400
    assert ana.post(LIST, sent).status_code == 302
    row = LibraryVariableSet.objects.in_space(default_space()).get()
    assert stored(row)[BODY] == "say() {\n  echo hi\n}"
    path = f"{LIST}/{row.public_id}"
    page = ana.get(path)
    assert "source SayHello.sh" in text_of(page)
    version = page.context["version"]
    assert ana.post(path, {**sent, "body": "two", "version": version}).status_code == 302
    assert "changed by somebody else" in text_of(ana.post(path, {**sent, "version": version}))
    assert stored(row)[BODY] == "two"
    project = make_project("Web")
    variables = f"projects/{project.public_id}/variables"
    ana.post(f"{variables}/library", {"add": row.public_id})
    text = text_of(ana.get(variables))
    assert "Say Hello Script module" in text
    assert BODY not in text
    assert "Included in Web" in text_of(ana.get(path))
    ana.post(f"{path}/delete")
    assert "cannot be deleted because it is included in" in text_of(ana.get(path))
    include(project)
    ana.post(f"{path}/delete")
    assert ana.get(path).status_code == 404


def test_who_sees_them() -> None:
    row = make_script_module()
    path = f"{LIST}/{row.public_id}"
    cleo = Visitor(make_cleo(default_space()))
    assert cleo.get(path).status_code == 200
    assert "Save script module" not in text_of(cleo.get(path))
    assert cleo.post(path, {"name": "x", "language": "Bash", "body": "x"}).status_code == 403
    assert Visitor(make_dan(make_space())).get(path).status_code == 404
    assert Visitor(make_ana()).get(f"{LIST}/{make_library_set().public_id}").status_code == 404
