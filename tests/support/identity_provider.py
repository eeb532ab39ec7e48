"""A real OpenID Connect provider (npm's `oidc-provider`), and a person with a browser at it."""

import json
import shutil
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Processes, free_port
from tests.tools.install import NODE_MODULES

CLIENT_ID = "octopus"
# Characters that a form and Basic credentials must carry unharmed.
CLIENT_SECRET = "a secret of the tests: 100% + more"
_SCRIPT = Path(__file__).with_suffix(".mjs")


@dataclass
class RealProvider:
    """A running provider; `people` says who it knows and with which claims."""

    issuer: str
    file: Path

    def people(self, **claims: dict[str, Any]) -> None:
        """Know these people from now on, by the name of their account."""
        self.file.write_text(json.dumps(claims), encoding="utf-8")

    def sign_in(self, address: str, account: str) -> str:
        """Sign in there as a browser would; return where it is sent to in the end."""
        browser = _Browser()
        page = browser.follow(address)
        if "/interaction/" not in page:
            return page
        form = {"account": account}
        return browser.follow(page, urllib.parse.urlencode(form).encode())


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class _Browser:
    """Keeps cookies and follows redirects as long as they stay with the provider."""

    def __init__(self) -> None:
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(_NoRedirects, cookies)

    def follow(self, address: str, form: bytes | None = None) -> str:
        """Return the last address: a page of the provider, or the first one elsewhere."""
        own = urllib.parse.urlsplit(address).netloc
        while urllib.parse.urlsplit(address).netloc == own:
            try:
                self._opener.open(address, form, timeout=20).close()
            except urllib.error.HTTPError as error:
                location = error.headers.get("Location")
                if not location:
                    raise AssertionError(f"{address}: {error.code} {error.read()!r}") from error
                address, form = urllib.parse.urljoin(address, location), None
            else:
                return address
        return address


def start_provider(processes: Processes, folder: Path, *redirect_uris: str) -> RealProvider:
    """Start a provider whose client may send people back to these addresses."""
    node = shutil.which("node")
    assert node, "node is not installed (tests/tools/install.py)"
    port, file = free_port(), folder / "people.json"
    file.write_text("{}", encoding="utf-8")
    process = processes.start(
        "identity-provider",
        [node, str(_SCRIPT)],
        environment={
            "NODE_MODULES": str(NODE_MODULES),
            "PORT": str(port),
            "PEOPLE": str(file),
            "REDIRECT_URIS": "\n".join(redirect_uris),
        },
    )
    process.wait_for_port(port)
    return RealProvider(f"http://127.0.0.1:{port}", file)


@pytest.fixture(scope="session")
def real_provider(
    session_processes: Processes, tmp_path_factory: pytest.TempPathFactory
) -> RealProvider:
    """Give a provider that knows the address of the tests' own server settings."""
    folder = tmp_path_factory.mktemp("provider")
    names = ("corporate", "other")
    uris = [f"http://127.0.0.1:8080/app/sign-in/with/{name}/done" for name in names]
    return start_provider(session_processes, folder, *uris)
