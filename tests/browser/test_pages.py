"""Every page passes axe in both themes, wide and narrow, and never scrolls sideways."""

import json
from collections.abc import Iterator

import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.pages import PAGES
from tests.browser.screenshots import NARROW, WIDE, sign_in
from tests.support.server import OctopusServer

_COLOURS = ["color-contrast", "link-in-text-block"]
_SIZES = ["target-size", "scrollable-region-focusable", "aria-hidden-focus", "button-name"]
_LEVELS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
_ALL = {"type": "tag", "values": _LEVELS}
# A size changes where things are and whether they are shown; a theme changes nothing but colours.
_LOOKS = (
    (WIDE, "light", _ALL),
    (WIDE, "dark", {"type": "rule", "values": _COLOURS}),
    (NARROW, "dark", {"type": "rule", "values": _SIZES}),
)
# Each row after some of a long table or log looks like one of those.
_PARTS = json.dumps({"exclude": [["tbody tr:nth-child(n + 13)"], [".line:nth-child(n + 25)"]]})
# A size or a theme has arrived when the frame after the next is drawn.
_DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture(scope="module")
def errors() -> list[str]:
    """Collect what scripts of a page complain about."""
    return []


@pytest.fixture(scope="module")
def tab(browser: Browser, server: OctopusServer, errors: list[str]) -> Iterator[Page]:
    """Give a tab that is signed in and has axe; a new one for each page takes as long as axe."""
    context = browser.new_context(reduced_motion="reduce")
    sign_in(context, server)
    context.add_init_script(Axe().axe_script)
    tab = context.new_page()
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda text: errors.append(text.text) if text.type == "error" else None)
    yield tab
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("name", PAGES)
def test_page(
    name: str, tab: Page, errors: list[str], server: OctopusServer, addresses: dict[str, str]
) -> None:
    errors.clear()
    answer = tab.goto(f"{server.url}{addresses[name]}")
    assert answer is not None
    assert answer.ok
    for size, theme, rules in _LOOKS:
        tab.set_viewport_size(size)  # type: ignore[arg-type]  # a typed dict of the library
        tab.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of its words
        tab.evaluate(_DRAWN)
        assert tab.locator("h1").count() == 1
        assert tab.locator(".button-primary:visible").count() <= 1
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        # What passes need not be told: telling it takes longer than looking.
        options = json.dumps({"runOnly": rules, "resultTypes": ["violations"]})
        results = AxeResults(tab.evaluate(f"axe.run({_PARTS}, {options})"))
        assert results.violations_count == 0, f"{size} {theme} {results.generate_report()}"
    assert not errors


@pytest.mark.browser
@pytest.mark.parametrize("name", ["release", "task-succeeded"])
def test_on_paper_a_page_is_whole_light_and_exact(
    name: str, tab: Page, server: OctopusServer, addresses: dict[str, str]
) -> None:
    paper = {"width": 794, "height": 1123}
    tab.set_viewport_size(paper)  # type: ignore[arg-type]  # a typed dict of the library
    tab.goto(f"{server.url}{addresses[name]}")
    try:
        tab.emulate_media(media="print", color_scheme="dark")
        main = tab.locator("main").bounding_box()
        assert main is not None
        assert main["width"] > 0.9 * paper["width"]
        assert tab.locator(".top-bar:visible, .rail:visible, .button:visible").count() == 0
        ink = tab.evaluate("getComputedStyle(document.querySelector('h1')).color")
        assert max(map(int, ink.strip("rgb()").split(","))) < 128, "dark letters"
        exact = "getComputedStyle(document.querySelector('time[title]'), '::after').content"
        assert "UTC" in tab.evaluate(exact)
        assert (
            tab.locator("main details.fold:not([open]) > :not(summary):not(:visible)").count() == 0
        )
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    finally:
        tab.emulate_media(media="screen")


@pytest.mark.browser
@pytest.mark.parametrize("name", ["dashboard", "project", "release", "tasks", "variables"])
def test_no_page_scrolls_sideways_at_widths_between(
    name: str, tab: Page, server: OctopusServer, addresses: dict[str, str]
) -> None:
    tab.goto(f"{server.url}{addresses[name]}")
    for width in (1280, 1024, 1001, 900, 768, 721):
        tab.set_viewport_size({"width": width, "height": 800})
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
