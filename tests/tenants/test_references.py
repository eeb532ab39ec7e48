"""What tenants choose: accounts, certificates and worker pools; checked, used, kept from going."""

from typing import Any

import pytest

from deployments.base.errors import Invalid
from deployments.infrastructure.services.workers import (
    WorkerInput,
    create_worker,
    create_worker_pool,
)
from deployments.library.scoping import ScopeContext, resolve
from deployments.library.services import delete_account
from deployments.library.services.certificates import archive_certificate
from deployments.library.variable_templates import checked_templates
from deployments.projects.services.projects import set_project_extra
from tenants.queries import tenant_scope
from tenants.services.variables import CommonInput, ValueInput, set_common_values, set_values
from tenants.variables import tenant_candidates
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, default_space, make_ana
from tests.factories.certificates import make_certificate
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_release,
    script_step,
)
from tests.factories.execution import Scene, SettableClock, make_agent
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
    for wrong in (token.public_id, "Accounts-999999999", "text"):
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


def test_a_tenant_chooses_a_certificate_that_is_in_use() -> None:
    place, site, old = make_environment("Production"), make_certificate(), make_certificate("Old")
    archive_certificate(actor=SYSTEM, row=old)
    project = make_tenanted_project("Web")
    set_project_extra(actor=SYSTEM, row=project, extra={"Templates": [template("Certificate")]})
    tenant = make_tenant("Acme", connections={project: [place]})
    page, field = f"tenants/{tenant.public_id}/variables", f"value:{project.pk}:{place.pk}:db"
    ana = Visitor(make_ana())
    shown = ana.get(page).content.decode()
    assert f'<option value="{site.public_id}">Shop</option>' in shown
    assert old.public_id not in shown
    for wrong, words in (
        (old.public_id, "Db: Old is archived. Choose one that is in use."),
        (make_account().public_id, "variables of the type UsernamePasswordAccount"),
        (
            "Certificates-999999999",
            "Db: there is no certificate 'Certificates-999999999' that you may see.",
        ),
    ):
        assert words in text_of(ana.post(page, {field: wrong}))
    assert ana.post(page, {field: site.public_id}).status_code == 302
    archive_certificate(actor=SYSTEM, row=site)
    # What it has stays chosen, and may be saved again.
    assert f'<option value="{site.public_id}" selected>' in ana.get(page).content.decode()
    assert ana.post(page, {field: site.public_id}).status_code == 302


def test_a_tenant_chooses_a_worker_pool() -> None:
    space, place, ana = default_space(), make_environment("Production"), make_ana()
    linux = create_worker_pool(actor=SYSTEM, space=space, name="Linux")
    worker = create_worker(actor=SYSTEM, space=space, worker=WorkerInput("w1", [linux]))
    agent = make_agent(worker)
    step = script_step(WorkerPoolVariable="Pool", **{"Octopus.Action.RunOnServer": "true"})
    project = make_tenanted_project("Web", lifecycle=make_lifecycle(place), steps=[step])
    common = make_library_set("Common", templates=[{**template("WorkerPool"), "Name": "Pool"}])
    own = {**template("WorkerPool"), "Name": "Other pool"}
    extra = {"Templates": [own], "IncludedLibraryVariableSetIds": [common.public_id]}
    set_project_extra(actor=SYSTEM, row=project, extra=extra)
    tenant = make_tenant("Acme", connections={project: [place]})
    page = f"tenants/{tenant.public_id}/variables"
    visitor = Visitor(ana)
    shown = visitor.get(page).content.decode()
    fields = (f"value:{project.pk}:{place.pk}:db", f"common:{common.pk}:db")
    for field in fields:
        assert f'<select class="input" name="{field}"' in shown
    assert shown.count(f'<option value="{linux.public_id}">Linux</option>') == 3
    refused = visitor.post(page, {fields[0]: "WorkerPools-999999999"})
    assert "Other pool: there is no worker pool 'WorkerPools-999999999'" in text_of(refused)
    body = {
        "LibraryVariables": {common.public_id: {"Variables": {"db": "Linux"}}},
    }
    status, error = send(ana, "put", f"{S}/tenants/{tenant.public_id}/variables", body)
    assert (status, error["Errors"]) == (
        400,
        ["Pool: there is no worker pool 'Linux' that you may see."],
    )
    assert visitor.post(page, dict.fromkeys(fields, linux.public_id)).status_code == 302
    assert f'<option value="{linux.public_id}" selected>Linux' in visitor.get(page).content.decode()
    release = make_release(project, "1.0.0")
    scene = Scene(make_deployment(release, place, tenant=tenant), place, [], SettableClock())
    scene.begin()
    (run,) = scene.runs()
    assert run.agent_id == agent.pk
    assert scene.variables(run)["Octopus.WorkerPool.Name"] == "Linux"


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (KIND, "Accounts-1", "an account"),
        ("Certificate", "Certificates-1", "a certificate"),
        ("WorkerPool", "WorkerPools-1", "a worker pool"),
    ],
)
def test_such_a_template_has_no_default(kind: str, value: str, words: str) -> None:
    with pytest.raises(Invalid, match=f"{words}, which has no default"):
        checked_templates([template(kind, DefaultValue=value)])
    assert checked_templates([template(DefaultValue="")])[0]["DefaultValue"] is None
