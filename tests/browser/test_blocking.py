"""A release is blocked and unblocked, and what it would change is looked at."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.server import OctopusServer

pytestmark = pytest.mark.browser
RELEASE = "/app/Spaces-1/projects/checkout-api/releases/4.13.0"


def test_a_release_is_blocked_and_goes_on(ana: Page, server: OctopusServer) -> None:
    ana.goto(f"{server.url}{RELEASE}")
    promote = ana.get_by_role("link", name="Deploy 4.13.0 to Staging")
    expect(promote).to_be_visible()
    ana.get_by_label("More actions").click()
    ana.get_by_role("link", name="Block progression").click()
    ana.get_by_label("What is wrong with this release?").fill("Totals are off by one cent")
    ana.get_by_role("button", name="Block progression").click()
    expect(ana.get_by_role("group", name="Progression is blocked")).to_contain_text("one cent")
    expect(promote).to_have_count(0)
    ana.get_by_role("link", name="Compare with what is in Production").click()
    expect(ana.get_by_role("heading", name="Compare 4.12.0 with 4.13.0")).to_be_visible()
    ana.go_back()
    ana.get_by_role("link", name="Unblock", exact=True).click()
    ana.get_by_role("button", name="Unblock progression").click()
    expect(promote).to_be_visible()
