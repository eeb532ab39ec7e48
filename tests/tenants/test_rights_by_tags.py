"""Rights that are limited to tenants: what is for tags belongs to the tenants that carry them."""

from typing import Any

import pytest

from deployments.access import services
from deployments.infrastructure.models import Environment, Machine
from deployments.library.models import Certificate
from deployments.library.tenancy import Tenancy
from tenants.models import Tenant
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, Person, default_space, make_ana
from tests.factories.certificates import make_certificate
from tests.factories.domain import make_environment, make_machine
from tests.factories.people import as_person, make_user
from tests.factories.tenants import make_tag_set, make_tenant

pytestmark = pytest.mark.django_db
PERMISSIONS = (
    *("CertificateView", "CertificateEdit", "CertificateDelete", "CertificateExportPrivateKey"),
    *("MachineView", "MachineCreate", "MachineEdit", "MachineDelete"),
    *("EnvironmentView", "TenantView", "MachinePolicyView"),
)


def manager_of(*tenants: Tenant, tags: tuple[str, ...] = ()) -> Person:
    """Return somebody who manages targets and certificates of the tenants."""
    user = make_user()
    name = f"Manager {user.pk}"
    role = services.create_role(actor=SYSTEM, name=name, space_permissions=PERMISSIONS)
    team = services.create_team(actor=SYSTEM, space=default_space(), name=name, members=[user])
    scopes = {"tenant": [row.public_id for row in tenants], "tenant_tag": tags}
    services.create_scoped_role(
        actor=SYSTEM, team=team, role=role, space=default_space(), scopes=scopes
    )
    return as_person(user)


class Rings:
    """Two tenants of an early ring, one of a late; nobody is in the last."""

    def __init__(self) -> None:
        make_tag_set("Ring", "Early", "Late", "Last")
        self.acme = make_tenant("Acme", "Ring/Early")
        self.berta = make_tenant("Berta", "Ring/Early")
        self.cesar = make_tenant("Cesar", "Ring/Late")
        self.place: Environment = make_environment("Production")

    def certificate(self, *tags: str) -> Certificate:
        return make_certificate(tenancy=Tenancy("Tenanted" if tags else "", tags=tags))

    def machine(self, *tags: str) -> Machine:
        return make_machine(self.place, tenancy=Tenancy("Tenanted", tags=tags))


def answers(person: Person, row: Certificate) -> list[int]:
    """Return what seeing, changing, exporting the key and deleting answer."""
    path = f"{S}/certificates/{row.public_id}"
    seen, body = send(person, "get", path)
    changed, _ = send(person, "put", path, {**body, "Notes": "Mine"})
    exported = person.api.get(f"{path}/export?format=Pem&includePrivateKey=true").status_code
    return [seen, changed, exported, send(person, "delete", path)[0]]


ALL, NONE = [200, 200, 200, 200], [200, 403, 403, 403]


def test_a_certificate_for_tags_is_changed_by_who_has_all_of_its_tenants() -> None:
    rings = Rings()
    row = rings.certificate("Ring/Early")
    for tenants in ([rings.cesar], [rings.acme]):
        assert answers(manager_of(*tenants), row) == NONE
    assert answers(manager_of(tags=("Ring/Early",)), row) == ALL
    assert answers(manager_of(rings.acme, rings.berta), rings.certificate("Ring/Early")) == ALL
    assert answers(make_ana(), rings.certificate("Ring/Early")) == ALL


def test_tags_that_nobody_carries_are_not_no_tags() -> None:
    rings = Rings()
    row = rings.certificate("Ring/Last")
    assert answers(manager_of(rings.acme), row) == NONE
    assert answers(make_ana(), row) == ALL
    # What is for no tenant is shared (docs/permissions.md).
    assert answers(manager_of(rings.acme), rings.certificate()) == ALL


def test_nobody_takes_a_certificate_to_tenants_of_others() -> None:
    rings = Rings()
    row = rings.certificate("Ring/Late")
    path = f"{S}/certificates/{row.public_id}"
    manager = manager_of(rings.cesar)
    status, body = send(manager, "get", path)
    assert status == 200
    for tags in (["Ring/Early"], ["Ring/Early", "Ring/Late"], ["Ring/Last"]):
        assert send(manager, "put", path, {**body, "TenantTags": tags})[0] == 403
    assert send(manager, "put", path, {**body, "Notes": "Mine"})[0] == 200
    assert Certificate.objects.in_space(row.space).get(pk=row.pk).tenant_tags == ["Ring/Late"]


def test_targets_go_by_the_same_rule() -> None:
    rings = Rings()
    row = rings.machine("Ring/Early")
    path = f"{S}/machines/{row.public_id}"

    def tried(person: Person, **more: Any) -> int:
        status, body = send(person, "get", path)
        assert status == 200
        return send(person, "put", path, {**body, **more})[0]

    assert tried(manager_of(rings.cesar)) == 403
    assert tried(manager_of(rings.acme)) == 403
    both = manager_of(rings.acme, rings.berta)
    assert tried(both) == 200
    assert tried(both, TenantTags=["Ring/Late"]) == 403
    assert tried(both, TenantTags=[], TenantIds=[rings.acme.public_id]) == 200
    new = {
        "Name": "new",
        "EnvironmentIds": [rings.place.public_id],
        "Roles": ["web"],
        "TenantTags": ["Ring/Late"],
    }
    assert send(both, "post", f"{S}/machines", new)[0] == 403
    assert send(manager_of(rings.cesar), "post", f"{S}/machines", new)[0] == 201
