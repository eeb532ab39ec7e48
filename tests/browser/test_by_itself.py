"""What happens by itself, watched in a browser: a chain of phases, and retention."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.screenshots import sign_in
from tests.octopus_site.test_by_itself import Calls
from tests.support.server import OctopusServer

pytestmark = pytest.mark.browser

# Two deployments one after the other, on a busy machine.
_WITHIN_MS = 120_000


def test_a_release_goes_through_two_phases_while_one_looks_on(
    page: Page, working_server: OctopusServer
) -> None:
    calls = Calls(working_server)
    names = [f"{name} {calls.run}" for name in ("Dev", "Test", "Live")]
    project = calls.project(*(calls.make("environments", Name=name)["Id"] for name in names))
    sign_in(page.context, working_server)
    base = f"{working_server.url}/app/Spaces-1/projects/{project['Slug']}"
    page.goto(f"{base}/releases/create")
    page.get_by_role("textbox", name="Version").fill("1.0.0")
    page.get_by_role("button", name="Create release").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Release 1.0.0")
    page.goto(base)
    row = page.locator("#board tbody tr", has=page.locator("th .version"))
    # The board is drawn anew by itself, as the server tells what happens.
    expect(row.get_by_text("Succeeded")).to_have_count(2, timeout=_WITHIN_MS)
    expect(row.get_by_role("link", name="Deploy 1.0.0 to Live")).to_be_visible()
    page.goto(f"{base}/triggers")
    decisions = page.get_by_role("region", name="Latest decisions")
    for name, phase in zip(names, ("Build", "Verify"), strict=False):
        words = f"It is deployed to {name}, which the phase {phase} deploys to by itself."
        expect(decisions.get_by_text(words)).to_be_visible()


def test_retention_says_what_would_go_and_then_it_goes(
    page: Page, working_server: OctopusServer
) -> None:
    calls = Calls(working_server)
    environment = calls.make("environments", Name=f"Dev {calls.run}")["Id"]
    policy = {"Strategy": "Count", "Unit": "Items", "QuantityToKeep": 1}
    lifecycle = calls.make(
        "lifecycles",
        Name=f"Short {calls.run}",
        Phases=[{"Name": "Only", "OptionalDeploymentTargets": [environment]}],
        ReleaseRetentionPolicy=policy,
    )
    project = calls.make(
        "projects",
        Name=f"Old {calls.run}",
        ProjectGroupId=calls.make("projectgroups", Name=f"Group {calls.run}")["Id"],
        LifecycleId=lifecycle["Id"],
    )
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        calls.make("releases", ProjectId=project["Id"], Version=version)
    sign_in(page.context, working_server)
    address = f"{working_server.url}/app/Spaces-1/administration/retention?project={project['Id']}"
    page.goto(address)
    table = page.get_by_role("table")
    expect(table.get_by_role("row", name="1.2.0")).to_contain_text("Kept")
    for version in ("1.0.0", "1.1.0"):
        expect(table.get_by_role("row", name=version)).to_contain_text("Would be deleted")

    page.get_by_role("button", name="Dry run of everything").click()
    _succeeds(page)
    page.goto(address)
    expect(table.get_by_role("row", name="1.0.0")).to_be_visible()

    page.get_by_role("button", name="Delete now").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete now").click()
    _succeeds(page)
    page.goto(address)
    expect(table.get_by_role("row", name="1.2.0")).to_contain_text("Kept")
    expect(table.get_by_role("row", name="1.0.0")).to_have_count(0)
    expect(table.get_by_role("row", name="1.1.0")).to_have_count(0)


def _succeeds(page: Page) -> None:
    """Wait on the task's page for its end."""
    page.wait_for_url("**/tasks/ServerTasks-*")
    expect(page.locator("h1 .state, .page-head .state").first).to_contain_text(
        "Succeeded", timeout=_WITHIN_MS
    )
