"""Every page passes axe in both themes, wide and narrow, and never scrolls sideways."""

import json
from collections.abc import Iterator

import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext

from tests.browser.pages import PAGES, find_addresses
from tests.browser.screenshots import NARROW, WIDE, sign_in
from tests.support.server import OctopusServer

_COLOURS = ["color-contrast", "link-in-text-block"]
_SIZES = ["target-size", "scrollable-region-focusable", "aria-hidden-focus", "button-name"]
_LEVELS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
_ALL = {"type": "tag", "values": _LEVELS}
# A size changes where things are and whether they are shown; a theme changes nothing but colours.
_LOOKS = (
    (WIDE, "light", _ALL),
    (NARROW, "light", {"type": "rule", "values": _SIZES}),
    (WIDE, "dark", {"type": "rule", "values": _COLOURS}),
)
# A size or a theme has arrived when the frame after the next is drawn.
_DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture(scope="module")
def addresses(server: OctopusServer) -> dict[str, str]:
    return find_addresses(server)


@pytest.fixture(scope="module")
def context(browser: Browser, server: OctopusServer) -> Iterator[BrowserContext]:
    """Give a signed-in profile."""
    context = browser.new_context(reduced_motion="reduce")
    sign_in(context, server)
    yield context
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("name", PAGES)
def test_page(
    name: str, context: BrowserContext, server: OctopusServer, addresses: dict[str, str]
) -> None:
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda text: errors.append(text.text) if text.type == "error" else None)
    answer = page.goto(f"{server.url}{addresses[name]}")
    assert answer is not None
    assert answer.ok
    page.wait_for_timeout(200)  # what scripts of the page bring after it has loaded
    page.evaluate(Axe().axe_script)
    for size, theme, rules in _LOOKS:
        page.set_viewport_size(size)  # type: ignore[arg-type]  # a typed dict of the library
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of its words
        page.evaluate(_DRAWN)
        assert page.locator("h1").count() == 1
        assert page.locator(".button-primary:visible").count() <= 1
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        # What passes need not be told: telling it takes longer than looking.
        options = json.dumps({"runOnly": rules, "resultTypes": ["violations"]})
        results = AxeResults(page.evaluate(f"axe.run({options})"))
        assert results.violations_count == 0, f"{size} {theme} {results.generate_report()}"
    page.close()
    assert not errors
