"""Agents that register for tenants."""

import pytest

from deployments.base.errors import Invalid, NotPermitted
from deployments.infrastructure.models import Machine
from deployments.infrastructure.queries import stored_tenancy
from deployments.infrastructure.services.registration import Wish, register
from deployments.infrastructure.services.registration_tokens import (
    create_registration_token,
    register_with_token,
)
from deployments.library.tenancy import Tenancy
from tests.factories import SYSTEM, default_space, give_role, make_user
from tests.factories.domain import make_environment
from tests.factories.people import as_person
from tests.factories.tenants import make_tag_set, make_tenant

pytestmark = pytest.mark.django_db


def _wish(tenancy: Tenancy | None = None, *, force: bool = False) -> Wish:
    wanted = tenancy or Tenancy()
    return Wish(name="web-1", roles=["web"], environments=["Dev"], tenancy=wanted, force=force)


def test_it_names_tenants_and_tags() -> None:
    make_environment("Dev")
    make_tag_set("Tier", "Gold")
    acme = make_tenant("Acme")
    wish = _wish(Tenancy(tenants=["acme"], tags=["tier/gold"]))
    register(actor=SYSTEM, space=default_space(), wish=wish)
    found = stored_tenancy(Machine.objects.in_space(default_space()).get())
    assert found.participation == "Tenanted"
    assert (list(found.tenants), list(found.tags)) == ([acme.pk], ["Tier/Gold"])
    with pytest.raises(Invalid) as refused:
        register(
            actor=SYSTEM,
            space=default_space(),
            wish=_wish(Tenancy(tenants=["Nobody"]), force=True),
        )
    assert "There is no tenant 'Nobody'." in str(refused.value.fields)


def test_a_token_allows_no_tenants() -> None:
    dev = make_environment("Dev")
    make_tenant("Acme")
    token = create_registration_token(actor=SYSTEM, space=default_space(), environments=[dev])
    with pytest.raises(Invalid, match="does not allow tenants"):
        register_with_token(token=token, wish=_wish(Tenancy(tenants=["Acme"])))
    register_with_token(token=token, wish=_wish())


def test_who_is_limited_to_tenants_registers_for_those_alone() -> None:
    make_environment("Dev")
    acme = make_tenant("Acme")
    make_tenant("Beta")
    user = make_user()
    scope = {"tenant": [acme.public_id]}
    give_role(user, "userroles-environmentmanager", default_space(), scope)
    actor = as_person(user).actor
    with pytest.raises(NotPermitted):
        register(actor=actor, space=default_space(), wish=_wish(Tenancy(tenants=["Beta"])))
    register(actor=actor, space=default_space(), wish=_wish(Tenancy(tenants=["Acme"])))
