"""Variables as one text: edited, taken out of one project and brought into another."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from deployments.base.secrets import Secret
from deployments.infrastructure.models import Environment
from deployments.library.models import Variable
from deployments.library.queries import variables_of
from deployments.library.services import VariableInput
from deployments.library.values import open_candidate
from deployments.projects.models import Project
from deployments.projects.queries import project_candidates
from tests.factories import default_space, make_ana, make_dan, make_space
from tests.factories.domain import make_environment, make_project, make_variables, script_step
from tests.factories.library import make_library_set
from tests.factories.people import make_holder
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
PATH = "projects/web/variables"


@pytest.fixture
def project() -> Project:
    production = make_environment("Production")
    project = make_project("Web", steps=[script_step("Migrate")])
    make_variables(
        project,
        VariableInput("Host", "localhost"),
        VariableInput("Host", "db", scope={"Environment": [production.public_id]}),
        VariableInput("Password", "s3cr3t", is_sensitive=True, description="of the database"),
    )
    return project


def rows(project: Project) -> list[Variable]:
    project = Project.objects.in_space(project.space).get(pk=project.pk)
    assert project.variable_set is not None
    return variables_of(project.variable_set)


def production() -> str:
    return Environment.objects.in_space(default_space()).get(name="Production").public_id


def send(visitor: Visitor, path: str, text: Any, **more: Any) -> Any:
    sent = {"text": text if isinstance(text, str) else json.dumps(text), **more}
    return visitor.post(f"{path}/text", sent)


def test_the_text_has_names_and_no_secret(project: Project) -> None:
    answer = Visitor(make_ana()).get(f"{PATH}/export")
    assert "attachment" in answer["Content-Disposition"]
    assert json.loads(answer.content) == {
        "Variables": [
            {"Name": "Host", "Value": "localhost"},
            {"Name": "Host", "Value": "db", "Scope": {"Environment": ["Production"]}},
            {
                "Name": "Password",
                "Value": None,
                "IsSensitive": True,
                "Description": "of the database",
            },
        ]
    }


def test_many_are_changed_at_once(project: Project) -> None:
    ana = Visitor(make_ana())
    before = {row.name: row.guid for row in rows(project)}
    document = json.loads(ana.get(f"{PATH}/export").content)["Variables"]
    document[1]["Value"] = "db-2"
    document[0] = {"Name": "Port", "Value": "5432", "Scope": {"role": ["web"]}}
    judged = send(ana, PATH, document, others="remove")
    text = text_of(judged)
    assert "1 added, 1 changed, 1 removed" in text
    assert "Host Changed db db-2 Production" in text
    assert rows(project)[0].value == "localhost"
    version = judged.context["version"]
    saved = send(ana, PATH, document, others="remove", save="1", version=version)
    assert saved.status_code == 302
    assert [(row.name, row.value, row.scope) for row in rows(project)] == [
        ("Port", "5432", {"Role": ["web"]}),
        ("Host", "db-2", {"Environment": [production()]}),
        ("Password", None, {}),
    ]
    assert rows(project)[2].guid == before["Password"]
    [secret] = [each for each in project_candidates(project) if each.is_sensitive]
    opened = open_candidate(secret)
    assert isinstance(opened, Secret)
    assert opened.reveal() == "s3cr3t"
    again = send(ana, PATH, [], others="remove", save="1", version=version)
    assert "changed by somebody else" in text_of(again)
    assert "Nothing changes" in text_of(send(ana, PATH, [], others="keep"))


def test_a_secret_follows_to_another_scope(project: Project) -> None:
    ana = Visitor(make_ana())
    document = json.loads(ana.get(f"{PATH}/export").content)["Variables"]
    document[2]["Scope"] = {"Environment": ["Production"]}
    document.append({"Name": "Token", "Value": None, "IsSensitive": True})
    judged = send(ana, PATH, document, others="remove")
    text = text_of(judged)
    assert "1 added, 1 changed" in text
    assert "Password Changed a secret a secret Production was everywhere" in text
    assert "Token Added no secret yet Everywhere" in text
    version = judged.context["version"]
    send(ana, PATH, document, others="remove", save="1", version=version)
    [password, token] = [each for each in project_candidates(project) if each.is_sensitive]
    opened = open_candidate(password)
    assert isinstance(opened, Secret)
    assert opened.reveal() == "s3cr3t"
    assert password.scope == {"Environment": frozenset({production().lower()})}
    assert token.sealed is None


def test_two_secrets_are_never_taken_for_each_other(project: Project) -> None:
    ana = Visitor(make_ana())
    document = json.loads(ana.get(f"{PATH}/export").content)["Variables"]
    again = {**document[2], "Scope": {"Environment": ["Production"]}}
    document[2]["Scope"] = {"Role": ["web"]}
    text = text_of(send(ana, PATH, [*document, again], others="remove"))
    assert "2 added, 1 removed" in text
    assert text.count("Password Added no secret yet") == 2
    text = text_of(send(ana, PATH, document, others="keep"))
    assert "Password Added no secret yet tag: web" in text


def test_a_download_is_brought_into_another_project(project: Project) -> None:
    ana = Visitor(make_ana())
    text = ana.get(f"{PATH}/export").content
    other = make_project("Other")
    make_variables(other, VariableInput("Own", "stays"), VariableInput("Host", "old"))
    path = f"projects/{other.public_id}/variables"
    file = SimpleUploadedFile("variables.json", b"\xef\xbb\xbf" + text)
    judged = ana.post(f"{path}/text", {"text": "", "file": file, "others": "keep"})
    assert "2 added, 1 changed" in text_of(judged)
    sent = judged.context["text"]
    version = judged.context["version"]
    assert send(ana, path, sent, others="keep", save="1", version=version).status_code == 302
    values = [(row.name, row.value) for row in rows(other)]
    assert values == [("Own", "stays"), ("Host", "localhost"), ("Host", "db"), ("Password", None)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "This is no JSON: "),
        ("[" * 100_000, "too deeply"),
        ('{"Variables": 1}', 'The text is {"Variables": [...]}'),
        ('[{"Name": "A", "Scope": {"Environment": ["Nowhere"]}}]', "A: Environment 'Nowhere'"),
        ("[1]", "A variable must be an object."),
        ('[{"Value": "x"}]', "A variable must have a name."),
        ('[{"Name": "A", "Value": ["x"]}]', "A: the value must be a text."),
        ('[{"Name": "A", "Value": {"Host": "x"}}]', "A: the value must be a text."),
        ('[{"Name": "A", "Value": {"NewValue": {}}}]', "A: the value must be a text."),
    ],
)
def test_what_is_refused(project: Project, text: str, words: str) -> None:
    ana = Visitor(make_ana())
    judged = send(ana, PATH, text, others="remove", save="1", version="1")
    assert judged.status_code == 400
    assert words in text_of(judged)
    assert len(rows(project)) == 3
    bad = SimpleUploadedFile("variables.json", b"\xff\xfe\x00")
    assert ana.post(f"{PATH}/text", {"file": bad}).status_code == 400


def test_what_a_reader_may_not_see_stays(project: Project) -> None:
    held = ("ProjectView", "VariableViewUnscoped", "VariableEditUnscoped", "EnvironmentView")
    reader = Visitor(make_holder(default_space(), *held))
    assert "db" not in json.loads(reader.get(f"{PATH}/export").content)["Variables"][1].values()
    judged = send(reader, PATH, [], others="remove")
    version = judged.context["version"]
    assert send(reader, PATH, [], others="remove", save="1", version=version).status_code == 302
    assert [row.value for row in rows(project)] == ["db"]
    viewer = Visitor(make_holder(default_space(), "ProjectView", "VariableViewUnscoped"))
    sent = send(viewer, PATH, [{"Name": "A"}], others="keep", save="1", version=version + 1)
    assert sent.status_code == 403
    dan = Visitor(make_dan(make_space()))
    assert dan.get(f"{PATH}/export").status_code == dan.get(f"{PATH}/text").status_code == 404


def test_a_library_set_has_a_text_too() -> None:
    row = make_library_set("Common", VariableInput("Url", "one"))
    ana, path = Visitor(make_ana()), f"projects/library/{row.public_id}"
    judged = send(ana, path, [{"Name": "Url", "Value": "two"}], others="remove")
    assert "Url Changed one two Everywhere" in text_of(judged)
    version = judged.context["version"]
    send(ana, path, judged.context["text"], others="remove", save="1", version=version)
    assert [each.value for each in variables_of(row.values)] == ["two"]
    assert "two" in ana.get(f"{path}/export").content.decode()
