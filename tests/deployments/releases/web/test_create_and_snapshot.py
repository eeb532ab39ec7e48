"""Numbers that are proposed, and the page of what a release froze."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.library.services import VariableInput, replace_variables
from deployments.projects.models import Project
from deployments.projects.services.projects import update_settings
from deployments.releases.models import Release
from tests.factories import SYSTEM, default_space, make_ana, make_cleo, make_dan, make_space
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
from tests.factories.library import make_library_set
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
CREATE = "projects/web/releases/create"


@pytest.fixture
def project() -> Project:
    make_package("Acme.Web", "1.0.0")
    make_package("Acme.Web", "2.0.0")
    lifecycle = make_lifecycle(make_environment("Dev"))
    return make_project("Web", lifecycle=lifecycle, steps=[package_step("Acme.Web", "Deploy")])


def newest(project: Project) -> Release:
    return Release.objects.in_space(project.space).order_by("-pk")[0]


def test_two_people_who_were_proposed_the_same_number(project: Project) -> None:
    ana = Visitor(make_ana())
    assert 'name="proposed" value="0.0.1"' in ana.get(CREATE).content.decode()
    make_release(project)
    sent = {"version": "0.0.1", "proposed": "0.0.1"}
    answer = ana.post(CREATE, sent)
    assert newest(project).version == "0.0.2"
    assert "It is not 0.0.1, as proposed." in text_of(ana.get(answer["Location"]))
    # A number that somebody typed is meant.
    answer = ana.post(CREATE, {"version": "0.0.1", "proposed": "0.0.3"})
    assert "already exists" in text_of(answer)
    assert 'name="version" value="0.0.1"' in answer.content.decode()


def test_the_number_follows_the_package_that_gives_it(project: Project) -> None:
    donor = {"DeploymentAction": "Deploy", "PackageReference": ""}
    update_settings(
        actor=SYSTEM, row=project, settings={"VersioningStrategy": {"DonorPackage": donor}}
    )
    ana = Visitor(make_ana())
    assert 'name="proposed" value="2.0.0"' in ana.get(CREATE).content.decode()
    ana.post(CREATE, {"version": "2.0.0", "proposed": "2.0.0", "package:0": "1.0.0"})
    assert newest(project).version == "1.0.0"


def test_what_was_frozen_stays_and_hides_secrets(project: Project) -> None:
    make_variables(
        project,
        VariableInput("Url", "https://old.example.com"),
        VariableInput("Passphrase", "very-hidden", kind="Sensitive"),
    )
    step = script_step("Greet", body="echo frozen")
    step["Actions"][0]["Properties"]["Token"] = {"HasValue": True, "NewValue": "very-hidden"}
    make_process(project, step)
    make_release(project, "1.0.0")
    make_process(project, script_step("Other"))
    make_variables(project)
    page = "projects/web/releases/1.0.0/snapshot"
    ana = Visitor(make_ana())
    answer = ana.get(page)
    text = text_of(answer)
    for word in ("1. Greet", "Script.ScriptBody echo frozen", "https://old.example.com"):
        assert word in text, word
    assert "very-hidden" not in answer.content.decode()
    assert "Other" not in text
    text = text_of(ana.get(page, {"q": "ur"}))
    assert "Url" in text
    assert "Passphrase" not in text
    assert "No variable fits" in text_of(ana.get(page, {"q": "nothing"}))
    assert Visitor(make_cleo(default_space())).get(page).status_code == 200
    assert Visitor(make_dan(make_space())).get(page).status_code == 404


def test_what_was_frozen_of_the_library_is_shown_with_its_set(project: Project) -> None:
    row = make_library_set("Common", VariableInput("Mail.Host", "old"), projects=[project])
    make_process(project, script_step("Greet"))
    make_release(project, "1.0.0")
    values = [VariableInput("Mail.Host", "new")]
    replace_variables(actor=SYSTEM, variable_set=row.values, variables=values)
    text = text_of(Visitor(make_ana()).get("projects/web/releases/1.0.0/snapshot"))
    assert "Mail.Host From the variable set Common old" in text
    assert "1. Greet Run a Script" in text


def test_pages_cost_the_same_for_many_rows(project: Project) -> None:
    ana = Visitor(make_ana())
    make_release(project, "1.0.0")
    make_variables(project, VariableInput("V0", "x"))
    make_release(project, "1.1.0")
    paths = (
        "projects/web/releases/1.1.0/snapshot",
        "projects/web/releases/compare?from=1.0.0&to=1.1.0",
        "projects/web/try-version?version=1.0.0",
        "projects/web/releases/1.1.0/block",
        CREATE,
    )
    few = {}
    for path in paths:
        ana.get(path)
        with CaptureQueriesContext(connection) as found:
            assert ana.get(path).status_code == 200
        few[path] = len(found)
    make_variables(project, *(VariableInput(f"V{number}", "y") for number in range(20)))
    for number in range(5):
        make_package("Acme.Web", f"3.{number}.0")
        make_release(project)
    for path in paths:
        with CaptureQueriesContext(connection) as found:
            ana.get(path.replace("to=1.1.0", "to=1.1.5"))
        assert len(found) == few[path] <= 40, path
