"""A release goes through the phases for three tenants, is blocked, goes on, and one goes back."""

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from octopus_site.demo.client import Client
from tests.browser.screenshots import sign_in
from tests.support.server import API_KEY, OctopusServer

pytestmark = pytest.mark.browser
_SPACE = "/api/Spaces-1"
_PROJECT = "Branch Portal"
_TENANTS = ("Aarhus", "Bergen", "Cadiz")
_TASKS_WITHIN_S = 120


@pytest.fixture
def client(working_server: OctopusServer) -> Client:
    """Give the API of a server with a project for tenants, whose 1.0.0 is in Development."""
    client = Client(working_server.url, API_KEY)
    project = _make_project(client)
    places = [client.find("environments", name) for name in ("Development", "Production")]
    client.post(f"{_SPACE}/tagsets", {"Name": "Ring", "Tags": [{"Name": "Early"}]})
    for name in _TENANTS:
        connections = {project["Id"]: [place["Id"] for place in places if place]}
        body = {"Name": name, "TenantTags": ["Ring/Early"], "ProjectEnvironments": connections}
        client.post(f"{_SPACE}/tenants", body)
    client.post(f"{_SPACE}/channels", {"Name": "Early access", "ProjectId": project["Id"]})
    client.post(
        f"{_SPACE}/releases/create/v1",
        {"projectName": _PROJECT, "releaseVersion": "1.0.0", "spaceId": "Spaces-1"},
    )
    client.post(
        f"{_SPACE}/deployments/create/tenanted/v1",
        {
            "projectName": _PROJECT,
            "releaseVersion": "1.0.0",
            "environmentName": "Development",
            "tenantTags": ["Ring/Early"],
            "spaceId": "Spaces-1",
        },
    )
    return client


def test_a_release_goes_through_the_phases_for_three_tenants(
    page: Page, working_server: OctopusServer, client: Client
) -> None:
    release = f"{working_server.url}/app/Spaces-1/projects/branch-portal/releases/1.1.0"
    sign_in(page.context, working_server)
    _wait_for_successes(client, 3)

    page.goto(f"{working_server.url}/app/Spaces-1/projects/branch-portal/releases/create")
    page.get_by_role("combobox", name="Channel").select_option("Early access")
    expect(page).to_have_url(re.compile("channel=early-access"))
    page.get_by_role("textbox", name="Version").fill("1.1.0")
    page.get_by_role("button", name="Create release").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Release 1.1.0")
    expect(page.get_by_text("Channel Early access")).to_be_visible()

    _deploy_to_ring(page, release, "Development")
    _wait_for_successes(client, 6)

    page.goto(f"{release}/block")
    page.get_by_label("What is wrong with this release?").fill("Totals are off by one cent")
    page.get_by_role("button", name="Block progression").click()
    page.goto(f"{release}/deploy/several?environment=production&tenant_tag=Ring/Early")
    blocked = page.get_by_role("row", name="The progression of this release is blocked.")
    expect(blocked).to_have_count(3)
    expect(page.get_by_text("All 3 marked places refuse; the list says why.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile(r"^Deploy 1\.1\.0"))).to_have_count(0)

    page.goto(f"{release}/block")
    page.get_by_role("button", name="Unblock progression").click()
    _deploy_to_ring(page, release, "Production")
    _wait_for_successes(client, 9)

    page.goto(release)
    page.get_by_role("link", name="Back to 1.0.0 in Development for Aarhus").click()
    expect(page.get_by_text("This goes back from 1.1.0 to 1.0.0")).to_be_visible()
    page.get_by_role("button", name="Deploy 1.0.0 to Development for Aarhus").click()
    _wait_for_successes(client, 10)
    page.reload()
    expect(page.locator(".page-head .state").first).to_contain_text("Succeeded")
    expect(page.get_by_text("Goes back from 1.1.0 to 1.0.0")).to_be_visible()


def _deploy_to_ring(page: Page, release: str, environment: str) -> None:
    page.goto(f"{release}/deploy/several")
    page.get_by_role("group", name="Environments").get_by_label(environment).check()
    page.get_by_role("group", name="Ring").get_by_label("Early").check()
    page.get_by_role("button", name="Show places and plans").click()
    for tenant in _TENANTS:
        row = page.get_by_role("row", name=f"{environment} {tenant}")
        expect(row).to_contain_text("Yes, it comes next")
    page.get_by_role("button", name="Deploy 1.1.0 to 3 places").click()
    said = page.locator(".notice", has_text="are in the queue")
    expect(said).to_contain_text(f"{environment} for Cadiz")


def _make_project(client: Client) -> Any:
    lifecycle = client.find("lifecycles", "Acme")
    group = client.get(f"{_SPACE}/projectgroups/all")[0]
    project = client.post(
        f"{_SPACE}/projects",
        {
            "Name": _PROJECT,
            "ProjectGroupId": group["Id"],
            "LifecycleId": lifecycle["Id"] if lifecycle else None,
            "TenantedDeploymentMode": "Tenanted",
        },
    )
    path = f"{_SPACE}/projects/{project['Id']}/deploymentprocesses"
    properties = {
        "Octopus.Action.RunOnServer": "true",
        "Octopus.Action.Script.ScriptSource": "Inline",
        "Octopus.Action.Script.Syntax": "Bash",
        "Octopus.Action.Script.ScriptBody": "echo for #{Octopus.Deployment.Tenant.Name}",
    }
    action = {"Name": "Greet", "ActionType": "Octopus.Script", "Properties": properties}
    client.put(path, {**client.get(path), "Steps": [{"Name": "Greet", "Actions": [action]}]})
    return project


def _wait_for_successes(client: Client, count: int) -> None:
    project = client.find("projects", _PROJECT)
    deadline = time.monotonic() + _TASKS_WITHIN_S
    while time.monotonic() < deadline:
        found = client.get(f"{_SPACE}/tasks?project={project['Id'] if project else ''}&take=100")
        states = [task["State"] for task in found["Items"]]
        assert not {"Failed", "TimedOut", "Canceled"} & set(states), found["Items"]
        if states.count("Success") >= count:
            return
        time.sleep(0.2)
    raise AssertionError(f"{count} deployments have not succeeded: {states}")
