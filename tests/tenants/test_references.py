"""Accounts and certificates that tenants fill in: chosen, checked, used, and kept from deletion."""

from typing import Any

import pytest

from deployments.base.errors import Invalid
from deployments.library.scoping import ScopeContext, resolve
from deployments.library.services import delete_account
from deployments.library.variable_templates import checked_templates
from deployments.projects.services.projects import set_project_extra
from tenants.queries import tenant_scope
from tenants.services.variables import CommonInput, ValueInput, set_common_values, set_values
from tenants.variables import tenant_candidates
from tests.factories import SYSTEM, make_ana
from tests.factories.domain import make_environment
from tests.factories.library import make_account, make_library_set
from tests.factories.tenants import make_tenant, make_tenanted_project
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
KIND = "UsernamePasswordAccount"


def template(kind: str = KIND, **more: Any) -> dict[str, Any]:
    display = {"Octopus.ControlType": kind}
    return {"Id": "db", "Name": "Db", "DisplaySettings": display, **more}


def test_a_tenant_chooses_an_account() -> None:
    place, row = make_environment("Production"), make_account("Acme database")
    token = make_account("Robot", "Token", Token="t0ken")
    project = make_tenanted_project("Web")
    common = make_library_set("Common", templates=[template()])
    extra = {"Templates": [template()], "IncludedLibraryVariableSetIds": [common.public_id]}
    set_project_extra(actor=SYSTEM, row=project, extra=extra)
    tenant = make_tenant("Acme", connections={project: [place]})
    for wrong in (token.public_id, "Accounts-99", "text"):
        with pytest.raises(Invalid, match="Db: "):
            set_values(
                actor=SYSTEM, tenant=tenant, values=[ValueInput(project, place, "db", wrong)]
            )
        with pytest.raises(Invalid, match="Db: "):
            set_common_values(
                actor=SYSTEM, tenant=tenant, values=[CommonInput(common, "db", wrong)]
            )
    page = f"tenants/{tenant.public_id}/variables"
    ana = Visitor(make_ana())
    shown = text_of(ana.get(page))
    assert "Acme database" in shown
    assert "Robot" not in shown
    field = f"value:{project.pk}:{place.pk}:db"
    assert ana.post(page, {field: row.public_id}).status_code == 302
    found = resolve(
        "Db",
        tenant_candidates(project, tenant_scope(tenant), place.pk),
        ScopeContext(environment=place.public_id, tenant=tenant.public_id),
    )
    assert found is not None
    assert (found.candidate.kind, found.candidate.value) == (KIND, row.public_id)
    with pytest.raises(Invalid, match="by a value of the tenant Acme"):
        delete_account(actor=SYSTEM, row=row)
    assert "a value of the tenant Acme" in text_of(ana.get(f"projects/accounts/{row.public_id}"))


def test_such_a_template_has_no_default() -> None:
    with pytest.raises(Invalid, match="an account, which has no default"):
        checked_templates([template(DefaultValue="Accounts-1")])
    assert checked_templates([template(DefaultValue="")])[0]["DefaultValue"] is None
