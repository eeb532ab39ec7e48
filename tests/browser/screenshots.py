"""Photograph every page in both themes: `make screenshots`; the pictures go to build/screenshots.

Arguments choose pages by the beginning of their name: `python -m tests.browser.screenshots task`.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from octopus_site.up.redis_server import redis_command
from tests.browser.pages import PAGES, find_addresses
from tests.support.browser import CHROMIUM, FLAGS
from tests.support.processes import Processes
from tests.support.server import PASSWORD, USERNAME, OctopusServer, make_server

FOLDER = Path("build/screenshots")
_SESSIONS: dict[Path, Any] = {}
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 320, "height": 844}


def main() -> int:
    """Take the pictures; the exit code is 1 when a page did not answer 200."""
    wanted = tuple(sys.argv[1:])
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        filled_folder() as filled,
        sample_server(filled) as server,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        failures = list(_photograph(chromium, server, wanted))
        chromium.close()
    for failure in failures:
        print(failure)
    return 1 if failures else 0


@contextmanager
def filled_folder() -> Iterator[Path]:
    """Give a data folder with the sample's data; nothing runs on it."""
    with tempfile.TemporaryDirectory() as name:
        processes = Processes(Path(name))
        server = make_server(processes, Path(name))
        try:
            redis = processes.start("redis", redis_command(server.data_dir))
            filler = processes.start(
                "sample",
                [sys.executable, "-m", "tests.browser.fill"],
                environment=server.environment,
            )
            if filler.wait_for_exit(seconds=180):
                raise RuntimeError(filler.log())
            redis.terminate()
        finally:
            processes.stop_all()
        yield server.data_dir


@contextmanager
def sample_server(filled: Path, host: str = "127.0.0.1") -> Iterator[OctopusServer]:
    """Run a web server on a copy of the sample's data; nothing in it moves."""
    with tempfile.TemporaryDirectory() as name:
        processes = Processes(Path(name))
        try:
            server = make_server(processes, Path(name))
            server.environment["OCTOPUS_SERVER_URL"] = f"http://{host}:{server.web_port}"
            shutil.copytree(filled, server.data_dir, dirs_exist_ok=True)
            processes.start("redis", redis_command(server.data_dir))
            server.main = server.command("web", "--workers", "1", "--host", "127.0.0.1")
            server.main.wait_for_port(server.web_port, seconds=60)
            yield server
        finally:
            processes.stop_all()


def sign_in(context: BrowserContext, server: OctopusServer) -> None:
    """Sign in as the administrator: by the form once, with the same session later."""
    if server.data_dir in _SESSIONS:
        context.add_cookies(_SESSIONS[server.data_dir])
        return
    page = context.new_page()
    page.goto(f"{server.url}/app/sign-in")
    page.get_by_label("User name").fill(USERNAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard")
    page.close()
    _SESSIONS[server.data_dir] = context.cookies(server.url)


def _photograph(chromium: Browser, server: OctopusServer, wanted: tuple[str, ...]) -> Iterator[str]:
    addresses = find_addresses(server)
    for theme in ("light", "dark"):
        context = chromium.new_context(
            viewport=WIDE,  # type: ignore[arg-type]  # a typed dict of the library
            color_scheme=theme,
            reduced_motion="reduce",
        )
        sign_in(context, server)
        page = context.new_page()
        for name, is_narrow in PAGES.items():
            if wanted and not name.startswith(wanted):
                continue
            answer = page.goto(f"{server.url}{addresses[name]}")
            if answer is None or not answer.ok:
                yield f"{name}: {addresses[name]} answered {answer.status if answer else 'nothing'}"
                continue
            page.wait_for_timeout(400)
            page.screenshot(path=FOLDER / f"{name}-{theme}.png", full_page=True)
            if is_narrow:
                page.set_viewport_size(NARROW)  # type: ignore[arg-type]  # the same
                page.wait_for_timeout(300)
                page.screenshot(path=FOLDER / f"{name}-{theme}-narrow.png", full_page=True)
                page.set_viewport_size(WIDE)  # type: ignore[arg-type]  # the same
        context.close()


if __name__ == "__main__":
    raise SystemExit(main())
