"""The page of a task in a browser: live lines, keys, deep links, and without scripts."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.pages import find_addresses
from tests.browser.screenshots import sample_server, sign_in
from tests.support.server import OctopusServer

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(filled: Path) -> Iterator[OctopusServer]:
    """Give a server of its own: a task that runs is ended on it."""
    with sample_server(filled) as running:
        yield running


@pytest.fixture(scope="module")
def addresses(server: OctopusServer) -> dict[str, str]:
    """Give the pages' addresses as they are before any test changes the sample."""
    return find_addresses(server)


@pytest.fixture
def visited(browser_context: BrowserContext, page: Page, server: OctopusServer) -> Page:
    """Give a page of somebody who is signed in."""
    sign_in(browser_context, server)
    return page


def go_on(server: OctopusServer, what: str) -> None:
    program = [sys.executable, "-m", "tests.browser.go_on", what]
    process = server.processes.start(f"go-on-{what}", program, environment=server.environment)
    assert process.wait_for_exit(seconds=60) == 0, process.log()


def test_keys_of_the_log(visited: Page, server: OctopusServer, addresses: dict[str, str]) -> None:
    visited.goto(server.url + addresses["task-failed"])
    visited.keyboard.press("n")
    expect(visited).to_have_url(re.compile(r"#(task|exec-\d+)-L\d+$"))
    expect(visited.locator("#announce")).to_have_text(re.compile(r"Error 1 of \d+"))
    visited.keyboard.press("n")
    expect(visited.locator(".line-marked")).to_have_count(1)
    expect(visited.locator(".line-marked")).to_be_in_viewport()
    visited.keyboard.press("e")
    groups = visited.locator("#log-lines .log-group")
    assert groups.count() == visited.locator("#log-lines .log-group[open]").count()
    visited.keyboard.press("/")
    expect(visited.get_by_role("searchbox", name="Search in log")).to_be_focused()
    visited.keyboard.type("address already")
    visited.keyboard.press("Enter")
    expect(visited.get_by_text("1 line with")).to_be_visible()
    visited.locator(".hit").click()
    expect(visited.locator(".line-marked")).to_contain_text("address already in use")


def test_the_level_sticks(visited: Page, server: OctopusServer, addresses: dict[str, str]) -> None:
    address = server.url + addresses["task-failed"]
    visited.goto(address)
    visited.keyboard.press("e")
    plain = visited.locator(".log-body .line", has_text="Extracting the package").first
    expect(plain).to_be_visible()
    visited.get_by_role("radio", name="Errors").check(force=True)
    expect(plain).to_be_hidden()
    visited.goto(address)
    expect(visited.locator("#level-errors")).to_be_checked()


def test_it_reads_without_scripts(
    server: OctopusServer, browser_context: BrowserContext, addresses: dict[str, str]
) -> None:
    sign_in(browser_context, server)
    browser = browser_context.browser
    assert browser is not None
    plain = browser.new_context(java_script_enabled=False)
    plain.add_cookies(browser_context.cookies())  # type: ignore[arg-type]  # what it just gave
    page = plain.new_page()
    page.goto(server.url + addresses["task-failed"])
    expect(page.locator(".log-body .line-error").first).to_be_visible()
    page.get_by_role("radio", name="Errors").check(force=True)
    expect(page.locator("details[open] .log-body .line:not(.line-error)").first).to_be_hidden()
    plain.close()


def test_live_lines_and_states(
    visited: Page, server: OctopusServer, addresses: dict[str, str]
) -> None:
    visited.goto(server.url + addresses["task-running"])
    expect(visited.get_by_role("button", name="Following")).to_be_visible()
    group = visited.locator("#log-lines details[open]", has_text="Deploy Payments.Gateway").first
    go_on(server, "print")
    expect(group.get_by_text("700 of 700")).to_be_visible()
    assert group.locator(".line").count() <= 500
    expect(group.locator(".ansi-green").last).to_have_text("cache")
    numbers = group.locator(".line > a").all_text_contents()
    assert [int(text) for text in numbers] == list(range(210, 710))
    earlier = group.locator("[data-earlier]")
    expect(earlier).to_have_text("Show earlier lines (209)")
    earlier.click()
    expect(group.get_by_text("Acquiring the package from the built-in feed")).to_be_visible()
    visited.locator("#outputs > summary").click()
    go_on(server, "finish")
    expect(visited.locator("#outputs[open]").get_by_text("after a look")).to_be_visible()
    expect(visited.locator("h1 .state").first).to_have_text("Succeeded")
    expect(visited).to_have_title(re.compile("^Succeeded:"))
    expect(visited.locator(".grid-table")).to_contain_text("Done")
    expect(visited.locator("#log-tree")).to_contain_text("Notify channel")
    expect(visited.get_by_role("button", name="Cancel task")).to_have_count(0)
