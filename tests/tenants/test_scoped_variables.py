"""The values of tenants by REST, each with the environments in which it counts."""

from typing import Any

import pytest

from deployments.projects.services.projects import set_project_extra
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, default_space, give_role, make_ana, make_cleo, make_user
from tests.factories.people import as_person
from tests.tenants.test_common_variables import Shared

pytestmark = pytest.mark.django_db


class Wire:
    """The two lists of a tenant's values, as Ana reads and writes them."""

    def __init__(self) -> None:
        self.shared = Shared()
        self.ana = make_ana()
        templates = [{"Id": "port", "Name": "Port"}, {"Id": "pass", "Name": "Pass"}]
        set_project_extra(actor=SYSTEM, row=self.shared.web, extra={"Templates": templates})
        self.dev, self.prod = self.shared.dev.public_id, self.shared.prod.public_id

    def path(self, kind: str) -> str:
        return f"{S}/tenants/{self.shared.acme.public_id}/{kind}variables"

    def read(self, kind: str, query: str = "") -> Any:
        status, body = send(self.ana, "get", self.path(kind) + query)
        assert status == 200
        return body

    def common(self, template: str, value: Any, *places: str) -> dict[str, Any]:
        return {
            "LibraryVariableSetId": self.shared.library_set.public_id,
            "TemplateId": template,
            "Value": value,
            "Scope": {"EnvironmentIds": list(places)},
        }

    def own(self, template: str, value: Any, *places: str) -> dict[str, Any]:
        return {
            "ProjectId": self.shared.web.public_id,
            "TemplateId": template,
            "Value": value,
            "Scope": {"EnvironmentIds": list(places)},
        }

    def write(self, kind: str, *variables: Any) -> tuple[int, Any]:
        return send(self.ana, "put", self.path(kind), {"Variables": list(variables)})


def shown(body: Any) -> list[tuple[str, Any, list[str]]]:
    return [
        (row["Template"]["Name"], row["Value"], row["Scope"]["EnvironmentIds"])
        for row in body["Variables"]
    ]


def test_common_values_are_replaced_as_a_whole() -> None:
    wire = Wire()
    secret = {"HasValue": True, "NewValue": "s3cret"}
    status, body = wire.write(
        "common",
        wire.common("alias", "acme"),
        wire.common("alias", "acme live", wire.prod),
        wire.common("zone", "us", wire.dev, wire.prod),
        wire.common("key", secret),
    )
    hidden = {"HasValue": True, "NewValue": None, "Hint": None}
    assert status == 200
    assert shown(body) == [
        ("Alias", "acme", []),
        ("Alias", "acme live", [wire.prod]),
        ("Zone", "us", [wire.dev, wire.prod]),
        ("Key", hidden, []),
    ]
    assert all(row["Id"].startswith("TenantCommonVariables-") for row in body["Variables"])
    assert wire.shared.winner(wire.shared.web, "Alias", wire.shared.prod) == "acme live"
    # What was read is sent back but for one: the secret stays.
    assert shown(wire.write("common", *body["Variables"][1:])[1]) == shown(body)[1:]
    assert wire.shared.winner(wire.shared.web, "Key") == "s3cret"
    assert shown(wire.write("common")[1]) == []
    # The older shape knows values for all environments only, and leaves the others alone.
    wire.write("common", wire.common("alias", "acme live", wire.prod))
    older = f"{S}/tenants/{wire.shared.acme.public_id}/variables"
    _, found = send(wire.ana, "get", older)
    send(wire.ana, "put", older, found)
    assert shown(wire.read("common")) == [("Alias", "acme live", [wire.prod])]


def test_values_of_projects_are_replaced_as_a_whole() -> None:
    wire = Wire()
    status, body = wire.write(
        "project", wire.own("port", "80", wire.dev, wire.prod), wire.own("pass", "x", wire.dev)
    )
    expected = [("Port", "80", [wire.dev, wire.prod]), ("Pass", "x", [wire.dev])]
    assert (status, shown(body)) == (200, expected)
    assert shown(wire.write("project", wire.own("port", "81", wire.prod))[1]) == [
        ("Port", "81", [wire.prod])
    ]


def test_what_is_missing_is_told_when_it_is_asked_for() -> None:
    wire = Wire()
    assert "MissingVariables" not in wire.read("common")
    missing = wire.read("common", "?includeMissingVariables=true")["MissingVariables"]
    assert shown({"Variables": missing}) == [
        ("Alias", None, [wire.dev, wire.prod]),
        ("Key", None, [wire.dev, wire.prod]),
    ]
    missing = wire.read("project", "?includeMissingVariables=true")["MissingVariables"]
    assert [row["ProjectId"] for row in missing] == [wire.shared.web.public_id] * 2


def test_what_is_wrong_is_refused() -> None:
    wire = Wire()
    refused: list[tuple[str, Any]] = [
        ("common", wire.common("nothing", "x")),
        ("common", wire.common("alias", ["x"])),
        ("common", wire.common("alias", "x", "Environments-999999999")),
        ("common", {**wire.common("alias", "x"), "LibraryVariableSetId": "LibraryVariableSets-9"}),
        ("common", {**wire.common("alias", "x"), "Scope": {"EnvironmentIds": "all"}}),
        ("common", {**wire.common("alias", "x"), "Scope": 5}),
        ("common", {"Value": "x"}),
        ("common", 5),
        ("project", wire.own("port", "x")),
        ("project", wire.own("nothing", "x", wire.dev)),
    ]
    for kind, entry in refused:
        status, error = wire.write(kind, entry)
        assert (status, bool(error["ErrorMessage"])) == (400, True), entry
    twice = [wire.common("alias", "x", wire.dev), wire.common("alias", "y", wire.dev)]
    assert wire.write("common", *twice)[0] == 400
    assert send(wire.ana, "put", wire.path("common"), {"Variables": {}})[0] == 400
    assert shown(wire.read("common")) == []


def test_what_somebody_may_not_see_stays() -> None:
    wire = Wire()
    wire.write("common", wire.common("alias", "acme"), wire.common("alias", "dev", wire.dev))
    wire.write("project", wire.own("port", "80", wire.dev, wire.prod))
    user = make_user()
    in_prod = {"environment": [wire.prod]}
    give_role(user, "userroles-projectcontributor", default_space(), in_prod)
    give_role(user, "userroles-tenantmanager", default_space())
    person = as_person(user)
    assert shown(send(person, "get", wire.path("common"))[1]) == []
    body = {"Variables": [wire.common("alias", "live", wire.prod)]}
    assert send(person, "put", wire.path("common"), body)[0] == 200
    assert send(person, "put", wire.path("project"), {"Variables": []})[0] == 200
    assert shown(wire.read("common")) == [
        ("Alias", "acme", []),
        ("Alias", "dev", [wire.dev]),
        ("Alias", "live", [wire.prod]),
    ]
    assert shown(wire.read("project")) == [("Port", "80", [wire.dev])]
    other = {"Variables": [wire.common("alias", "other", wire.prod)]}
    cleo = make_cleo(default_space())
    assert send(cleo, "put", wire.path("common"), other)[0] == 403
