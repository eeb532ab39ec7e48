"""What names an account or certificate, in the words that Octopus's clients read."""

import pytest

from deployments.library.services import VariableInput
from deployments.projects.services.projects import set_project_extra
from tenants.services.variables import ValueInput, set_values
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, make_ana
from tests.factories.certificates import make_certificate
from tests.factories.domain import (
    make_environment,
    make_project,
    make_release,
    make_variables,
    script_step,
)
from tests.factories.library import make_account, make_library_set
from tests.factories.runbooks import make_runbook, make_snapshot
from tests.factories.tenants import make_tenant, make_tenanted_project

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", ["account", "certificate"])
def test_usages(kind: str) -> None:
    row = make_account() if kind == "account" else make_certificate()
    control = "UsernamePasswordAccount" if kind == "account" else "Certificate"
    variable, ana = VariableInput("Named", row.public_id, kind=control), make_ana()
    place, project = make_environment(), make_tenanted_project("Web")
    shared = make_library_set("Shared", variable, projects=[project])
    make_variables(project, variable)
    release = make_release(project, "1.0.0")
    runbook = make_runbook(project, "Restart")
    snapshot = make_snapshot(runbook, name="First")
    templates = [{"Id": "t", "Name": "T", "DisplaySettings": {"Octopus.ControlType": control}}]
    set_project_extra(actor=SYSTEM, row=project, extra={"Templates": templates})
    tenant = make_tenant("Acme", connections={project: [place]})
    value = ValueInput(project, place, "t", row.public_id)
    set_values(actor=SYSTEM, tenant=tenant, values=[value])
    status, found = send(ana, "get", f"{S}/{kind}s/{row.public_id}/usages")
    assert status == 200
    of_project = {"ProjectId": project.public_id, "ProjectName": "Web"}
    [used] = found["ProjectVariableSets"]
    assert used == {
        "Id": project.public_id,
        "Name": "Web",
        **of_project,
        "IsCurrentlyBeingUsedInProject": True,
        "Releases": [],
        "RunbookSnapshots": [],
    }
    [used] = found["LibraryVariableSets"]
    assert (used["LibraryVariableSetId"], used["Id"]) == (shared.public_id, shared.public_id)
    assert "Shared" in used["LibraryVariableSetName"]
    [used] = found["Releases"]
    named = {"ReleaseId": release.public_id, "ReleaseVersion": "1.0.0"}
    assert used == {
        "Id": release.public_id,
        "Name": "1.0.0 of Web",
        **of_project,
        "Releases": [named],
    }
    [used] = found["RunbookSnapshots"]
    assert used == {
        "Id": snapshot.public_id,
        "Name": "First of the runbook Restart",
        **of_project,
        "RunbookId": runbook.public_id,
        "RunbookName": "Restart",
        "Snapshots": [{"SnapshotId": snapshot.public_id, "SnapshotName": "First"}],
    }
    tenants = [{"Id": tenant.public_id, "Name": "Acme"}]
    assert found["TenantVariables"] == tenants
    if kind == "certificate":
        assert found["ProjectUsages"] == found["ProjectVariableSets"]
        assert found["LibraryVariableSetUsages"] == found["LibraryVariableSets"]
        assert (found["TenantUsages"], found["DeploymentTargetUsages"]) == (tenants, [])


def test_steps_that_name_an_account() -> None:
    account, ana = make_account(), make_ana()
    properties = {"Octopus.Action.Aws.Account": account.public_id}
    step = script_step("Upload")
    step["Actions"][0]["Properties"] |= properties
    project = make_project("Web", steps=[step, script_step("Other")])
    runbook = make_runbook(project, "Restart", step)
    found = send(ana, "get", f"{S}/accounts/{account.public_id}/usages")[1]
    [used], [of_runbook] = found["DeploymentProcesses"], found["RunbookProcesses"]
    assert (used["ProjectName"], used["ProjectSlug"]) == ("Web", "web")
    assert used["ProcessId"] == f"deploymentprocess-{project.public_id}"
    assert [each["StepName"] for each in used["Steps"]] == ["Upload"]
    assert of_runbook["RunbookId"] == runbook.public_id
    assert of_runbook["ProcessId"] == f"RunbookProcess-{runbook.public_id}"
    refused = send(ana, "delete", f"{S}/accounts/{account.public_id}")
    assert refused[0] == 400
    assert "the step Upload of Web" in refused[1]["Errors"][0]
