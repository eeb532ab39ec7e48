"""Common values: templates of library sets that tenants fill in once for all projects."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from deployments.access.web.forms import attempt
from deployments.base.errors import AT_THE_SAME_MOMENT, Invalid, NotPermitted
from deployments.base.models import Event
from deployments.infrastructure.models import Environment
from deployments.library.models import LibraryVariableSet
from deployments.library.scoping import ScopeContext, resolve
from deployments.library.services import VariableInput
from deployments.library.values import open_candidate
from deployments.projects.models import Project
from deployments.projects.queries import project_candidates
from deployments.releases.services import create_deployment
from tenants.models import TenantCommonVariable
from tenants.queries import TenantScope
from tenants.services.variables import CommonInput, set_common_values
from tenants.variables import missing_names, missing_values, tenant_candidates
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, default_space, give_role, make_ana, make_cleo, make_user
from tests.factories.domain import (
    make_environment,
    make_lifecycle,
    make_release,
    make_variables,
    script_step,
)
from tests.factories.library import include, make_library_set
from tests.factories.people import as_person
from tests.factories.tenants import make_tag_set, make_tenant, make_tenanted_project
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db

SECRET = {"Octopus.ControlType": "Sensitive"}


class Shared:
    """Two projects that include a set with a text, a text with a default and a secret."""

    def __init__(self) -> None:
        make_tag_set("Ring")
        self.dev, self.prod = make_environment("Dev"), make_environment("Prod")
        lifecycle = make_lifecycle(self.dev, self.prod)
        self.web = make_tenanted_project("Web", lifecycle=lifecycle, steps=[script_step()])
        self.api = make_tenanted_project("Api", lifecycle=lifecycle, steps=[script_step()])
        self.library_set = make_library_set(
            "Common",
            templates=[
                {"Id": "alias", "Name": "Alias", "Label": "Short name"},
                {"Id": "zone", "Name": "Zone", "DefaultValue": "eu"},
                {"Id": "key", "Name": "Key", "DisplaySettings": SECRET},
            ],
            projects=[self.web, self.api],
        )
        connections = {self.web: [self.dev, self.prod], self.api: [self.dev]}
        self.acme = make_tenant("Acme", "Ring/Alpha", connections=connections)
        self.scope = TenantScope(self.acme.pk, "Acme", ("Ring/Alpha",))

    def fill(
        self,
        template: str,
        value: str | None,
        actor: Any = SYSTEM,
        place: Environment | None = None,
    ) -> None:
        given = [CommonInput(self.library_set, template, value, place)]
        set_common_values(actor=actor, tenant=self.acme, values=given)

    def winner(self, project: Project, name: str, place: Environment | None = None) -> str | None:
        there = place or self.dev
        rows = tenant_candidates(project, self.scope, there.pk)
        context = ScopeContext(
            environment=there.public_id, tenant=self.scope.public_id, project=project.public_id
        )
        found = resolve(name, rows, context)
        value = open_candidate(found.candidate) if found else None
        return value if value is None or isinstance(value, str) else value.reveal()


def test_one_value_counts_in_every_project_that_includes_the_set() -> None:
    shared = Shared()
    shared.fill("alias", "acme")
    shared.fill("key", "s3cret key")
    for project in (shared.web, shared.api):
        assert shared.winner(project, "Alias") == "acme"
        assert shared.winner(project, "Zone") == "eu"
        assert shared.winner(project, "Key") == "s3cret key"
    include(shared.api)
    assert shared.winner(shared.api, "Alias") is None


def test_of_two_who_give_the_first_value_at_once_one_is_told_so_by_the_page() -> None:
    shared = Shared()
    shared.fill("alias", "acme")

    @transaction.atomic
    def give_as_if_there_were_none() -> None:
        TenantCommonVariable.objects.create(
            space=shared.acme.space,
            tenant=shared.acme,
            library_set=shared.library_set,
            template="alias",
            value="other",
        )

    assert attempt(give_as_if_there_were_none)[1].errors == (AT_THE_SAME_MOMENT,)
    assert shared.winner(shared.web, "Alias") == "acme"


def test_what_is_missing_stops_a_deployment() -> None:
    shared = Shared()
    assert missing_names(shared.web, shared.scope, shared.dev.pk) == ["Short name", "Key"]
    found = missing_values(default_space(), [shared.acme.pk], [shared.web, shared.api])
    places = {(row.project, row.environment) for row in found}
    assert len(found) == 6
    assert places == {
        (shared.web.pk, shared.dev.pk),
        (shared.web.pk, shared.prod.pk),
        (shared.api.pk, shared.dev.pk),
    }
    release = make_release(shared.web)
    with pytest.raises(Invalid, match="no value for Short name, Key"):
        create_deployment(actor=SYSTEM, release=release, environment=shared.dev, tenant=shared.acme)
    shared.fill("alias", "acme")
    shared.fill("key", "k")
    assert missing_names(shared.web, shared.scope, shared.dev.pk) == []
    create_deployment(actor=SYSTEM, release=release, environment=shared.dev, tenant=shared.acme)


def test_an_environment_may_have_its_own_value() -> None:
    shared = Shared()
    shared.fill("alias", "everywhere")
    shared.fill("alias", "in production", place=shared.prod)
    shared.fill("key", "secret of dev", place=shared.dev)
    assert shared.winner(shared.web, "Alias") == "everywhere"
    assert shared.winner(shared.web, "Alias", shared.prod) == "in production"
    assert shared.winner(shared.api, "Key") == "secret of dev"
    assert missing_names(shared.web, shared.scope, shared.dev.pk) == []
    assert missing_names(shared.web, shared.scope, shared.prod.pk) == ["Key"]
    # It ranks as one of a project does: over a tag with an environment.
    scope = {"TenantTag": ["Ring/Alpha"], "Environment": [shared.prod.public_id]}
    make_variables(shared.web, VariableInput("Alias", "by tag and place", scope=scope))
    context = ScopeContext(
        environment=shared.prod.public_id,
        tenant=shared.scope.public_id,
        tenant_tags=frozenset(shared.scope.tags),
    )
    rows = tenant_candidates(shared.web, shared.scope, shared.prod.pk)
    found = resolve("Alias", [*project_candidates(shared.web), *rows], context)
    assert found is not None
    assert found.candidate.value == "in production"
    shared.fill("alias", None, place=shared.prod)
    assert shared.winner(shared.web, "Alias", shared.prod) == "everywhere"


def test_a_value_of_an_environment_needs_the_projects_there() -> None:
    shared = Shared()
    user = make_user()
    in_prod = {"environment": [shared.prod.public_id]}
    give_role(user, "userroles-projectcontributor", default_space(), in_prod)
    give_role(user, "userroles-tenantmanager", default_space())
    actor = as_person(user).actor
    shared.fill("alias", "x", actor, shared.prod)
    for place in (shared.dev, None):
        with pytest.raises(NotPermitted):
            shared.fill("alias", "x", actor, place)
    elsewhere = make_environment("Elsewhere")
    with pytest.raises(Invalid, match="connected to the environment 'Elsewhere'"):
        shared.fill("alias", "x", place=elsewhere)
    [event] = Event.objects.filter(subject_id=shared.acme.public_id, category="Modified")
    assert event.changes[0]["property"] == "Alias (Common, Prod)"


def test_secrets_are_sealed_and_no_event_has_them() -> None:
    shared = Shared()
    shared.fill("key", "s3cret key")
    row = TenantCommonVariable.objects.in_space(default_space()).get()
    assert row.value == ""
    assert b"s3cret key" not in bytes(row.sealed_value or b"")
    event = Event.objects.order_by("-pk")[0]
    assert "s3cret key" not in str(event.changes)
    shared.fill("key", None)
    assert not TenantCommonVariable.objects.in_space(default_space()).exists()


def test_a_tenant_value_loses_to_tags_with_an_environment() -> None:
    shared = Shared()
    shared.fill("alias", "common")
    scope = {"TenantTag": ["Ring/Alpha"], "Environment": [shared.dev.public_id]}
    make_variables(shared.web, VariableInput("Alias", "by tag and place", scope=scope))
    rows = tenant_candidates(shared.web, shared.scope, shared.dev.pk)
    context = ScopeContext(
        environment=shared.dev.public_id,
        tenant=shared.scope.public_id,
        tenant_tags=frozenset(shared.scope.tags),
    )
    found = resolve("Alias", [*project_candidates(shared.web), *rows], context)
    assert found is not None
    assert found.candidate.value == "by tag and place"


def test_common_values_over_rest() -> None:
    shared = Shared()
    ana = make_ana()
    path = f"{S}/tenants/{shared.acme.public_id}/variables"
    _, found = send(ana, "get", path)
    common = found["LibraryVariables"][shared.library_set.public_id]
    assert common["LibraryVariableSetName"] == "Common"
    assert [row["Name"] for row in common["Templates"]] == ["Alias", "Zone", "Key"]
    missing = send(ana, "get", f"{S}/tenants/variables-missing?tenantId={shared.acme.public_id}")[1]
    assert {row["LibraryVariableSetId"] for row in missing[0]["MissingVariables"]} == {
        shared.library_set.public_id
    }
    common["Variables"] = {"alias": "acme", "key": {"HasValue": True, "NewValue": "k"}}
    status, changed = send(ana, "put", path, found)
    stored = changed["LibraryVariables"][shared.library_set.public_id]["Variables"]
    assert (status, stored["alias"]) == (200, "acme")
    assert stored["key"] == {"HasValue": True, "NewValue": None, "Hint": None}
    # What was read is sent back without a text: the secret stays, the text goes.
    del stored["alias"]
    _, again = send(ana, "put", path, changed)
    assert list(again["LibraryVariables"][shared.library_set.public_id]["Variables"]) == ["key"]
    refused: list[Any] = [
        {"LibraryVariables": 5},
        {"LibraryVariables": {"LibraryVariableSets-999999999": {"Variables": {}}}},
        {"LibraryVariables": {shared.library_set.public_id: {"Variables": {"x": "1"}}}},
        {"LibraryVariables": {shared.library_set.public_id: {"Variables": {"alias": ["1"]}}}},
        {"LibraryVariables": {shared.library_set.public_id: 5}},
    ]
    for wrong in refused:
        assert send(ana, "put", path, wrong)[0] == 400, wrong


def test_editing_needs_every_project_where_the_value_counts() -> None:
    shared = Shared()
    user = make_user()
    only_web = {"project": [shared.web.public_id]}
    give_role(user, "userroles-projectcontributor", default_space(), only_web)
    give_role(user, "userroles-tenantmanager", default_space())
    with pytest.raises(NotPermitted):
        shared.fill("alias", "x", as_person(user).actor)
    only_api = {"project": [shared.api.public_id]}
    give_role(user, "userroles-projectcontributor", default_space(), only_api)
    shared.fill("alias", "x", as_person(user).actor)
    other = make_library_set("Other", templates=[{"Id": "a", "Name": "A"}])
    with pytest.raises(Invalid, match="No project of the tenant 'Acme' includes"):
        set_common_values(actor=SYSTEM, tenant=shared.acme, values=[CommonInput(other, "a", "1")])
    assert LibraryVariableSet.objects.in_space(default_space()).count() == 2


def test_the_list_and_the_page_of_tenants_say_what_is_missing() -> None:
    shared = Shared()
    shared.fill("alias", "acme")
    make_tenant("Bold", "Ring/Alpha")
    ana = Visitor(make_ana())
    page = text_of(ana.get("tenants"))
    assert "Acme Alpha 2 3 missing" in page
    assert page.count("missing") == 1
    page = text_of(ana.get(f"tenants/{shared.acme.public_id}"))
    assert "3 values missing" in page
    assert "Web Dev 1 missing Prod 1 missing" in page
    cleo = Visitor(make_cleo(default_space()))
    assert "missing" not in text_of(cleo.get("tenants"))
    assert "missing" not in text_of(cleo.get(f"tenants/{shared.acme.public_id}"))


def test_the_list_of_tenants_takes_the_same_queries_for_any_number() -> None:
    shared, ana = Shared(), Visitor(make_ana())
    counts = []
    for number in (1, 5):
        for _ in range(number):
            make_tenant("", "Ring/Beta", connections={shared.web: [shared.dev]})
        with CaptureQueriesContext(connection) as captured:
            ana.get("tenants")
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_the_page_of_values() -> None:
    shared = Shared()
    ana = Visitor(make_ana())
    path = f"tenants/{shared.acme.public_id}/variables"
    page = ana.get(path)
    assert "4 values missing" in text_of(page)
    assert "Variable All environments Dev Prod" in text_of(page)
    field = f"common:{shared.library_set.pk}:alias"
    there = f"common-in:{shared.library_set.pk}:{shared.prod.pk}:alias"
    assert ana.post(path, {field: "acme", there: "acme live"}).status_code == 302
    page = ana.get(path)
    assert "2 values missing" in text_of(page)
    html = page.content.decode()
    assert f'name="{field}" value="acme"' in html
    assert f'name="{there}" value="acme live"' in html
    assert 'placeholder="acme"' in html
    assert shared.winner(shared.web, "Alias", shared.prod) == "acme live"
    cleo = Visitor(make_cleo(default_space()))
    assert cleo.post(path, {field: "changed"}).status_code == 403
