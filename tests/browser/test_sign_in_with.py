"""An administrator adds a provider; somebody signs in with it and is in a team by their group."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.identity_provider import CLIENT_ID, CLIENT_SECRET, start_provider
from tests.support.processes import Processes
from tests.support.server import OctopusServer

pytestmark = pytest.mark.browser
SPACE = "/app/Spaces-1"
EVE = {"name": "Eve Stone", "preferred_username": "eve", "groups": ["release-managers"]}


def test_a_new_person_signs_in_with_a_provider(
    ana: Page, server: OctopusServer, processes: Processes, tmp_path: Path
) -> None:
    uri = f"{server.url}/app/sign-in/with/corporate/done"
    provider = start_provider(processes, tmp_path, uri)
    provider.people(eve=EVE)
    ana.goto(f"{server.url}{SPACE}/administration/outgoing")
    ana.get_by_label("may call services on this machine").check()
    ana.get_by_role("button", name="Save HTTP requests").click()
    ana.goto(f"{server.url}{SPACE}/administration/providers")
    ana.get_by_role("link", name="Add provider").first.click()
    ana.get_by_label("Name", exact=True).fill("Corporate")
    ana.get_by_label("Issuer").fill(provider.issuer)
    ana.get_by_label("Client id").fill(CLIENT_ID)
    ana.get_by_label("Client secret").fill(CLIENT_SECRET)
    ana.get_by_label("Create an account at their first sign-in").check()
    ana.get_by_role("button", name="Add provider").click()
    expect(ana.get_by_text(uri)).to_be_visible()
    ana.get_by_role("button", name="Test").click()
    expect(ana.get_by_text("Corporate answers")).to_be_visible()
    team = follow_group(server)
    try:
        guest = ana.context.browser.new_context().new_page()  # type: ignore[union-attr]  # it has one
        guest.goto(f"{server.url}{SPACE}/projects")
        assert Axe().run(guest).violations_count == 0
        guest.get_by_role("link", name="Sign in with Corporate").click()
        guest.get_by_label("Account").fill("eve")
        guest.get_by_role("button", name="Continue").click()
        expect(guest.get_by_role("heading", name="Projects", exact=True)).to_be_visible()
        guest.get_by_label("Account of Eve Stone").click()
        guest.get_by_role("button", name="Sign out").click()
        expect(guest.get_by_role("link", name="Sign out of Corporate too")).to_be_visible()
        ana.goto(f"{server.url}{SPACE}/administration/teams/{team}")
        expect(ana.get_by_text("by Corporate")).to_be_visible()
        assert Axe().run(ana).violations_count == 0
        guest.context.close()
    finally:
        server.call("DELETE", f"/api/teams/{team}")
        (row,) = server.call("GET", "/api/identityproviders/all")
        server.call("DELETE", f"/api/identityproviders/{row['Id']}")


def follow_group(server: OctopusServer) -> str:
    """Return the id of a new team that looks at projects and follows Eve's group."""
    group = {"Id": "release-managers"}
    body = {"Name": "Release managers", "SpaceId": "Spaces-1", "ExternalSecurityGroups": [group]}
    team: str = server.call("POST", "/api/teams", body)["Id"]
    role = {"TeamId": team, "UserRoleId": "userroles-projectviewer", "SpaceId": "Spaces-1"}
    server.call("POST", "/api/scopeduserroles", role)
    return team
