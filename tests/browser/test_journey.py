"""A release manager deploys, promotes and reads the log with the keyboard alone."""

from playwright.sync_api import Page, expect

from octopus_site.demo import journey, sample
from tests.support.server import PASSWORD, USERNAME, OctopusServer

_TASK_WITHIN_MS = 120_000


def test_deploy_promote_and_read_the_log_by_keyboard(
    page: Page, working_server: OctopusServer
) -> None:
    server = working_server
    _sign_in(page, server)
    _go(page, "g", "p")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(journey.PROJECT)

    page.keyboard.press("c")
    expect(page.get_by_role("textbox", name="Version")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Release 0.0.1")

    _deploy_with_d(page, "Development")
    _read_log(page, "Development")

    _back_to_release(page, server)
    _deploy_with_d(page, "Production")
    _read_log(page, "Production")


def _sign_in(page: Page, server: OctopusServer) -> None:
    page.goto(f"{server.url}/app")
    _tab_to(page, "username")
    page.keyboard.type(USERNAME)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")


def _deploy_with_d(page: Page, environment: str) -> None:
    page.keyboard.press("d")
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"to {environment}")
    expect(page.get_by_role("button", name=f"Deploy 0.0.1 to {environment}")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"0.0.1 to {environment}")
    expect(page.locator("h1 .state, .page-head .state").first).to_contain_text(
        "Succeeded", timeout=_TASK_WITHIN_MS
    )


def _read_log(page: Page, environment: str) -> None:
    # What has just succeeded may close once more while the reader opens everything.
    page.reload()
    if page.locator("#log-lines .log-group:not([open])").count():
        page.keyboard.press("e")
    expect(page.get_by_text(f"Release 0.0.1 goes to {environment}")).to_be_visible()
    expect(page.get_by_text("The password is ********").first).to_be_visible()
    assert sample.DATABASE_PASSWORD not in page.content()


def _back_to_release(page: Page, server: OctopusServer) -> None:
    _go(page, "g", "p")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(journey.PROJECT)
    _tab_to_link(page, "0.0.1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Release 0.0.1")


def _go(page: Page, *keys: str) -> None:
    before = page.url
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_url(lambda url: url != before)


def _tab_to(page: Page, name: str) -> None:
    for _ in range(40):
        if page.evaluate("document.activeElement?.name") == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached with Tab")


def _tab_to_link(page: Page, text: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement?.textContent.trim()") == text:
            return
    raise AssertionError(f"the link {text} cannot be reached with Tab")
