"""The portal without a browser: signing in and sending forms as one would."""

import html
import re
from typing import Any

from django.test import Client

from deployments.access.web.csrf import COOKIE
from tests.factories import Person
from tests.factories.people import PASSWORD

Answer = Any  # Django's test response, whose attributes its stubs do not know


class Visitor:
    """Somebody with a session, at the pages of one space."""

    def __init__(self, person: Person | None = None, space: str = "Spaces-1") -> None:
        self.client = Client()
        self.base = f"/app/{space}"
        if person is not None:
            self.client.post(
                "/app/sign-in", {"username": person.user.username, "password": PASSWORD}
            )

    def get(
        self,
        path: str,
        query: dict[str, Any] | None = None,
        *,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Open a page; a path without a slash before it is one of the space."""
        return self.client.get(self._address(path), query or {}, headers=headers or {})

    def post(
        self,
        path: str,
        fields: dict[str, Any] | None = None,
        *,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a form with the session's token."""
        token = self.client.cookies[COOKIE].value if COOKIE in self.client.cookies else ""
        sent = {"csrf_token": token, **(fields or {})}
        return self.client.post(self._address(path), sent, headers=headers or {})

    def _address(self, path: str) -> str:
        return path if path.startswith("/") else f"{self.base}/{path}"


def text_of(answer: Answer) -> str:
    """Return what a reader sees of a page, in one line."""
    page = answer.content.decode()
    main = page.partition("<main")[2] or page
    words = re.sub(r"<[^>]+>", " ", main)
    return " ".join(html.unescape(words).split())


def hidden(answer: Answer, name: str) -> str:
    """Return what a hidden field of the page sends back; raises KeyError when it has none."""
    found = re.search(rf'type="hidden" name="{name}" value="([^"]*)"', answer.content.decode())
    if found is None:
        raise KeyError(name)
    return html.unescape(found[1])
