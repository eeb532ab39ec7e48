"""Signing in: the first administrator of a new server, and passkey and app with WebAuthn."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from deployments.access.signing_in.totp import code_at
from deployments.base.clock import utc_now
from octopus_site.up.redis_server import redis_command
from tests.browser.screenshots import sample_server
from tests.support.processes import Processes
from tests.support.server import PASSWORD, USERNAME, OctopusServer, make_server

pytestmark = pytest.mark.browser
SECURITY = "/app/account/security"


@pytest.fixture
def named(filled: Path) -> Iterator[OctopusServer]:
    """Give a server whose address is a name: browsers give no passkeys to numbers."""
    with sample_server(filled, host="localhost") as running:
        yield running


@pytest.fixture
def new_server(processes: Processes, tmp_path: Path) -> OctopusServer:
    """Give a server without users; its portal alone runs."""
    server = make_server(processes, tmp_path)
    for name in ("USERNAME", "PASSWORD", "EMAIL", "API_KEY"):
        del server.environment[f"ADMIN_{name}"]
    processes.start("redis", redis_command(server.data_dir))
    return server


def test_the_first_administrator(page: Page, new_server: OctopusServer) -> None:
    """Who comes without the link learns where it is; who has it makes the account and is in."""
    migrate = new_server.command("migrate")
    assert migrate.wait_for_exit(seconds=60) == 0, migrate.log()
    link = re.search(r"http://127\.0\.0\.1:\d+/app/first-administrator/\S+", migrate.log())
    assert link
    web = new_server.command("web", "--workers", "1", "--host", "127.0.0.1")
    web.wait_for_port(new_server.web_port, seconds=60)
    page.goto(new_server.url)
    expect(page.get_by_role("heading", name="Set up this server")).to_be_visible()
    expect(page.get_by_text("octopus-server create-admin")).to_be_visible()
    assert Axe().run(page).violations_count == 0
    page.goto(link[0])
    assert Axe().run(page).violations_count == 0
    password = page.get_by_label("Password")
    password.fill("admin")
    page.keyboard.press("Enter")
    expect(password).to_have_attribute("aria-invalid", "true")
    password.fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{new_server.url}/app/Spaces-1/dashboard")
    page.goto(link[0])
    expect(page).to_have_url(f"{new_server.url}/app/Spaces-1/dashboard")


def with_virtual_authenticator(page: Page) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        **dict.fromkeys(("hasResidentKey", "hasUserVerification", "isUserVerified"), True),
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def sign_out(page: Page) -> None:
    page.locator("summary[aria-label^='Account of']").click()
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_passkey_and_an_app(page: Page, named: OctopusServer) -> None:
    address = named.environment["OCTOPUS_SERVER_URL"]
    with_virtual_authenticator(page)
    page.goto(f"{address}/app/sign-in?next={SECURITY}")
    page.get_by_label("User name").fill(USERNAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("Name of the passkey").fill("Laptop")
    password = page.locator("#passkey-password")
    password.fill("wrong")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("This is not your current password.")).to_be_visible()
    password.fill(PASSWORD)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("You can sign in with the passkey Laptop now.")).to_be_visible()
    sign_out(page)
    page.goto(f"{address}/app/sign-in?next={SECURITY}")
    assert Axe().run(page).violations_count == 0
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("rowheader", name="This one")).to_contain_text("Passkey")
    page.locator("#app-password").fill(PASSWORD)
    page.get_by_role("button", name="Set up an app").click()
    expect(page.get_by_alt_text("QR code for the authenticator app")).to_be_visible()
    assert Axe().run(page).violations_count == 0
    page.get_by_text("It cannot be scanned").click()
    confirm_app(page)
    expect(page.get_by_text("Keep these recovery codes now")).to_be_visible()
    code = page.locator(".copy-block code").inner_text().split()[0]
    sign_out(page)
    page.get_by_label("User name").fill(USERNAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()
    page.get_by_label("Code of your authenticator app").fill(code)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(f"{address}/app/Spaces-1/dashboard")


def confirm_app(page: Page) -> None:
    text = page.locator("[data-secret]").inner_text().replace(" ", "")
    secret = base64.b32decode(text + "=" * (-len(text) % 8))
    page.get_by_label("Code", exact=True).fill(code_at(secret, int(utc_now().timestamp()) // 30))
    page.get_by_role("button", name="Confirm the app").click()
