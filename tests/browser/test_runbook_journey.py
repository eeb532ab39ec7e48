"""An operator writes a runbook, publishes it, runs it and watches it, on a server that works."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.screenshots import sign_in
from tests.support.server import OctopusServer

pytestmark = pytest.mark.browser

_TASK_WITHIN_MS = 120_000


def test_from_the_first_step_to_the_log(page: Page, working_server: OctopusServer) -> None:
    sign_in(page.context, working_server)
    page.goto(f"{working_server.url}/app/Spaces-1/projects/acme-web/runbooks")
    page.get_by_label("Name").fill("Clear caches")
    page.get_by_role("button", name="Create runbook").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Clear caches")
    runbook = page.url
    page.locator(".page-actions").get_by_role("link", name="Process").click()
    page.get_by_role("link", name="Add the first step").click()
    page.get_by_role("link", name="Run a Script").first.click()
    page.get_by_label("Name", exact=True).fill("Sweep")
    page.get_by_label("Run on").select_option("true")
    page.get_by_label("Script", exact=True).fill('echo "Swept every corner"')
    page.get_by_role("button", name="Add step").click()
    page.goto(runbook)
    page.get_by_label("Name of the snapshot").fill("Spring")
    page.get_by_role("button", name="Create snapshot").click()
    expect(page.get_by_role("row", name="Spring Published")).to_be_visible()
    page.locator(".page-actions").get_by_role("link", name="Run").click()
    page.get_by_label("Development").check()
    page.get_by_role("button", name="Show plans").click()
    expect(page.get_by_role("heading", name="Run Clear caches in Development")).to_be_visible()
    page.get_by_role("button", name="Run Clear caches in Development").click()
    expect(page.locator(".page-head .state").first).to_contain_text(
        "Succeeded", timeout=_TASK_WITHIN_MS
    )
    page.get_by_text("Open all").click()
    expect(page.get_by_text("Swept every corner")).to_be_visible()
