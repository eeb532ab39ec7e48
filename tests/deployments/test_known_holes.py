"""What others got wrong before us: references outside of scopes, odd bodies, names as markup."""

import json
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.db.utils import DataError
from django.test import Client

from deployments.access.services.users import update_user
from deployments.base.api.errors import describe
from deployments.base.errors import Invalid
from deployments.base.web.markdown import markdown_html
from deployments.infrastructure.models import Machine
from deployments.infrastructure.models.agent import RegistrationToken
from deployments.infrastructure.services.registration_tokens import create_registration_token
from deployments.library.queries import variables_of
from deployments.library.services import VariableInput, add_variable
from deployments.projects.services.settings import checked_settings
from octopus_site.http import LARGEST_ANONYMOUS_BODY, LARGEST_BODY, LARGEST_OTHER_BODY, _limit
from tests.deployments.calls import S, send
from tests.factories import (
    SYSTEM,
    Person,
    default_space,
    give_role,
    make_ana,
    make_ben,
    make_cleo,
    make_dan,
    make_space,
    make_user,
)
from tests.factories.domain import (
    make_environment,
    make_machine,
    make_package,
    make_project,
    make_release,
    make_variables,
    package_step,
    script_step,
)
from tests.factories.execution import SettableClock
from tests.factories.people import as_person
from tests.support.portal import Visitor

pytestmark = pytest.mark.django_db
MARKUP = "<img src=x onerror=alert(1)>"


def register(token: str, **body: Any) -> tuple[int, Any]:
    answer = Client().post(
        "/agent/v1/register",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    return answer.status_code, answer.json()


def target_maker(*environments: str) -> Person:
    user = make_user()
    scopes = {"environment": environments} if environments else None
    give_role(user, "userroles-environmentmanager", default_space(), scopes)
    return as_person(user)


def test_a_token_for_targets_makes_no_worker() -> None:
    token = create_registration_token(
        actor=SYSTEM, space=default_space(), environments=[make_environment("Dev")], roles=["web"]
    )
    status, body = register(token, name="sly", isWorker=True)
    assert status == 400
    assert "deployment targets only" in body["Errors"][0]
    assert register(token, name="fine")[0] == 200  # the refusal did not use it up


def test_a_token_serves_once_and_for_an_hour() -> None:
    clock = SettableClock()
    first, second = (
        create_registration_token(
            actor=SYSTEM, space=default_space(), environments=[], roles=["web"], clock=clock
        )
        for _ in range(2)
    )
    make_environment("Dev")
    body = {"environments": ["Dev"], "roles": ["web"]}
    assert register(first, name="one", **body)[0] == 200
    assert register(first, name="two", **body)[0] == 401
    RegistrationToken.objects.filter(used=None).update(expires=clock() - timedelta(seconds=1))
    status, answer = register(second, name="three", **body)
    assert status == 401
    assert "has expired" in str(answer)
    assert Machine.objects.in_space(default_space()).count() == 1


@pytest.mark.parametrize("name", ["prod-1", "PROD-1"])
def test_a_token_does_not_take_over_a_target_elsewhere(name: str) -> None:
    dev, prod = make_environment("Dev"), make_environment("Prod")
    machine = make_machine(prod, name="prod-1")
    token = create_registration_token(
        actor=SYSTEM, space=default_space(), environments=[dev], roles=["web"]
    )
    assert register(token, name=name, force=True)[0] == 400
    assert list(machine.environments.all()) == [prod]
    assert Machine.objects.in_space(machine.space).count() == 1


def test_a_key_takes_over_only_what_its_owner_may_edit() -> None:
    dev, prod = make_environment("Dev"), make_environment("Prod")
    make_machine(prod, name="prod-1")
    maker = target_maker(dev.public_id)
    body = {"name": "prod-1", "environments": ["Dev"], "roles": ["web"], "force": True}
    assert send(maker, "post", "/agent/v1/register", body)[0] == 403
    assert send(maker, "post", "/agent/v1/register", {**body, "name": "dev-1"})[0] == 200


def test_registering_tells_nothing_of_other_spaces() -> None:
    dan = make_dan(make_space())
    body = {"name": "m", "environments": ["No such"], "roles": ["web"]}
    hidden = send(dan, "post", "/agent/v1/register", {**body, "space": "Default"})
    missing = send(dan, "post", "/agent/v1/register", {**body, "space": "Nowhere"})
    assert hidden[0] == missing[0] == 404


def test_events_of_a_hidden_space_are_as_absent_as_of_no_space() -> None:
    dan = make_dan(make_space())
    hidden, missing = (
        send(dan, "get", f"{S}/events"),
        send(dan, "get", "/api/Spaces-999999999/events"),
    )
    assert hidden == missing
    assert hidden[0] == 404


def test_a_progression_shows_releases_to_those_who_may_see_releases() -> None:
    project = make_project("Web", steps=[script_step()])
    make_release(project, "1.0.0")
    ana = make_ana()
    path = f"{S}/projects/{project.public_id}/progression"
    assert len(send(ana, "get", path)[1]["Releases"]) == 1
    _, role = send(
        ana, "post", "/api/userroles", {"Name": "See", "GrantedSpacePermissions": ["ProjectView"]}
    )
    user = make_user()
    _, team = send(
        ana,
        "post",
        f"{S}/teams",
        {"Name": "T", "MemberUserIds": [user.public_id], "SpaceId": "Spaces-1"},
    )
    given = {"TeamId": team["Id"], "UserRoleId": role["Id"], "SpaceId": "Spaces-1"}
    assert send(ana, "post", "/api/scopeduserroles", given)[0] == 201
    assert send(as_person(user), "get", path)[1]["Releases"] == []


def test_whose_variables_an_environment_holds_is_told_as_far_as_one_sees_them() -> None:
    staging, prod = make_environment("Staging"), make_environment("Prod")
    project = make_project("Web")
    make_variables(project, VariableInput("Db", "x", scope={"Environment": [prod.public_id]}))
    path = f"{S}/environments/{prod.public_id}/singlyScopedVariableDetails"
    assert send(make_ana(), "get", path)[1]["VariableMap"] == {project.public_id: []}
    assert send(make_ben(default_space(), staging.public_id), "get", path)[0] == 404
    user = make_user()
    give_role(user, "userroles-environmentviewer", default_space())
    _, body = send(as_person(user), "get", path)
    assert (body["VariableMap"], body["HasUnauthorizedProjectVariables"]) == ({}, True)


ODD_NUMBERS = ("²", "9" * 5000, "1" * 30, "0", "-1", "%00")


@pytest.mark.parametrize("number", ODD_NUMBERS)
def test_odd_numbers_are_unknown_and_never_an_error_of_ours(number: str) -> None:
    ana, project = make_ana(), make_project("Web")
    for path in (
        f"{S}/machines?environmentIds=Environments-{number}",
        f"{S}/projects/Projects-{number}/channels",
        f"{S}/variables/preview?project={project.public_id}&machine=Machines-{number}",
        f"{S}/variables/variableset-Projects-1-s-{number}-ABCDE",
        f"{S}/deploymentprocesses/deploymentprocess-Projects-1-s-{number}-ABCDE",
        f"/api/users/me/apikeys/apikeys-{number}",
        f"{S}/environments?partialName={number}",
    ):
        assert ana.api.get(path).status_code in {200, 400, 404}, path


@pytest.mark.parametrize("body", [[], [1, 2], "text", 5, None, {"Steps": 5}, {"Variables": "x"}])
def test_bodies_of_another_kind_are_refused_in_words(body: Any) -> None:
    ana, project = make_ana(), make_project("Web")
    own = f"{S}/projects/{project.public_id}"
    for path in ("deploymentprocesses", "variables", "deploymentsettings"):
        answer = ana.api.put(f"{own}/{path}", json.dumps(body), content_type="application/json")
        assert answer.status_code in {200, 400}, path
        if not isinstance(body, dict):
            assert answer.status_code == 400
            assert answer.json()["Errors"] == ["A JSON object is expected."]


def test_a_very_large_body_is_not_read(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    ana = make_ana()
    status, body = send(ana, "post", f"{S}/environments", {"Name": "x", "Description": "x" * 2000})
    assert (status, body) == (413, {"ErrorMessage": "The request body is too large."})


def test_only_packages_may_be_large() -> None:
    key = {b"x-octopus-apikey": b"API-X"}
    assert _limit("/api/users/login", {}) == LARGEST_ANONYMOUS_BODY
    assert _limit("/api/users/login", key) == LARGEST_OTHER_BODY
    for path in ("/api/Spaces-1/packages/raw", "/NuGet/Spaces-1", "/app/Spaces-1/packages/upload"):
        # Also for who has not said who it is: a client with a password must be asked for it.
        assert _limit(path, key) == _limit(path, {}) == LARGEST_BODY
    for path in ("/agent/v1/packages/0/patch", "/Agent/v1/packages"):
        assert _limit(path, key) == LARGEST_OTHER_BODY
        assert _limit(path, {}) == LARGEST_ANONYMOUS_BODY


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DataError("value too long for type character varying(200)"), 400),
        (ValueError("A string literal cannot contain NUL (0x00) characters."), 400),
        (IntegrityError("duplicate key"), 409),
        (ValueError("something else"), 500),
    ],
)
def test_what_the_database_refuses_is_told_without_its_words(error: Exception, status: int) -> None:
    found, body = describe(error)
    assert found == status
    assert str(error) not in json.dumps(body)


@pytest.mark.parametrize(
    "settings",
    [
        {"VersioningStrategy": {"Template": 5}},
        {"VersioningStrategy": {"DonorPackage": {"DeploymentAction": ["x"]}}},
        {"ConnectivityPolicy": {"TargetRoles": 5}},
        {"ConnectivityPolicy": {"AllowDeploymentsToNoTargets": "yes"}},
        {"ReleaseNotesTemplate": {}},
        {"ForcePackageDownload": "no"},
    ],
)
def test_settings_of_the_wrong_kind_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        checked_settings(settings)


@pytest.mark.parametrize(
    "fields",
    [
        {"TenantTags": 5},
        {"Rules": [{"ActionPackages": 5}]},
        {"Rules": [{"ActionPackages": [5]}]},
        {"Rules": [5]},
        {"Rules": [{"Tag": "(" * 600}]},
    ],
)
def test_channels_of_the_wrong_form_are_refused(fields: dict[str, Any]) -> None:
    ana, project = make_ana(), make_project("Web")
    body = {"Name": "Beta", "ProjectId": project.public_id, **fields}
    status, answer = send(ana, "post", f"{S}/channels", body)
    assert (status, bool(answer["Errors"])) == (400, True)


def test_a_variables_own_id_is_bounded() -> None:
    ana, project = make_ana(), make_project("Web")
    body = {"Variables": [{"Id": "x" * 37, "Name": "A", "Value": "1"}]}
    assert send(ana, "put", f"{S}/projects/{project.public_id}/variables", body)[0] == 400


def test_a_mail_address_is_one() -> None:
    user = make_user()
    for email in ("nonsense", f"{'x' * 300}@example.test"):
        with pytest.raises(Invalid):
            update_user(actor=SYSTEM, user=user, display_name="A", email=email)


def test_long_notes_are_shown_as_typed() -> None:
    html = markdown_html("[" * 100_000 + MARKUP)
    assert html.startswith("<pre>[[")
    assert "<img" not in html


def test_notes_run_no_scripts() -> None:
    html = markdown_html(f"{MARKUP} [a](javascript:alert(1)) ![x](http://x/y) <script>1</script>")
    assert "<img" not in html
    assert "<script" not in html
    assert 'href="javascript' not in html


def test_names_are_text_on_every_page() -> None:
    ana = make_ana()
    environment = make_environment(MARKUP, description=MARKUP)
    make_machine(environment, name=MARKUP)
    make_package("Acme.Web")
    steps = [script_step(MARKUP, Notes=MARKUP), package_step("Acme.Web", f"{MARKUP} 2")]
    project = make_project(MARKUP, steps=steps, description=MARKUP)
    make_variables(
        project,
        VariableInput(MARKUP, MARKUP, description=MARKUP, scope={"Role": [MARKUP]}),
        VariableInput("P", MARKUP, prompt={"label": MARKUP, "description": MARKUP}),
    )
    make_release(project, "1.0.0", notes=MARKUP)
    own = f"projects/{project.public_id}"
    visitor = Visitor(ana)
    for path in (
        *("dashboard", "projects", own, f"{own}/process", f"{own}/variables", f"{own}/settings"),
        *(f"{own}/variables?add={MARKUP}", f"{own}/channels", f"{own}/releases", "projects/groups"),
        *(f"{own}/releases/1.0.0", f"{own}/releases/1.0.0/deploy", f"{own}/releases/create"),
        *("projects/lifecycles", "infrastructure/environments", "infrastructure/targets", "tasks"),
        *("packages", f"packages?q={MARKUP}", "packages/Acme.Web", "administration/audit"),
        *(f"administration/users?q={MARKUP}", "administration/teams", f"projects?q={MARKUP}"),
    ):
        answer = visitor.get(path)
        assert answer.status_code == 200, path
        assert "<img src=x" not in answer.content.decode(), path


@pytest.mark.django_db(transaction=True)
def test_variables_added_at_the_same_moment_are_all_there() -> None:
    variable_set = make_project("Web").variable_set
    assert variable_set is not None
    failures: list[Exception] = []

    def add(number: int) -> None:
        try:
            variable = VariableInput(f"V{number}", str(number))
            add_variable(actor=SYSTEM, variable_set=variable_set, variable=variable)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=add, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    names = {row.name for row in variables_of(variable_set)}
    assert names == {f"V{number}" for number in range(6)}


def test_a_viewer_sees_no_secret_anywhere() -> None:
    """A canary in a variable and in a step, looked for in whatever Cleo and Ana can read."""
    canary = "canary-7c1f"
    step = script_step()
    step["Actions"][0]["Properties"]["Secret"] = {"HasValue": True, "NewValue": canary}
    project = make_project("Web", steps=[step])
    make_variables(project, VariableInput("Password", canary, is_sensitive=True))
    make_release(project, "1.0.0")
    ana = make_ana()
    own = f"{S}/projects/{project.public_id}"
    for person in (ana, make_cleo(default_space())):
        for path in (
            *(f"{own}/deploymentprocesses", f"{own}/variables", f"{own}/releases", own),
            *(
                f"{S}/events",
                f"{S}/variables/all",
                f"{S}/releases/Releases-1",
                f"{own}/progression",
            ),
            f"{S}/variables/preview?project={project.public_id}",
        ):
            assert canary not in person.api.get(path).content.decode(), path
    visitor = Visitor(ana)
    for path in (f"projects/{project.public_id}/{page}" for page in ("process", "variables")):
        assert canary not in visitor.get(path).content.decode()
    assert canary not in visitor.get("administration/audit").content.decode()
