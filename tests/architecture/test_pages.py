"""Every page of the portal names who may see it."""

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, get_resolver

from deployments.access.rules import ANONYMOUS
from octopus_site.portal import root_view

# Views with reasons: pages that anybody may open, and what is no page.
ANONYMOUS_PAGES = {
    "sign_in_view": "the way in",
    "second_step_view": "the way in, after the password",
    "set_up_view": "the way in, where a second factor is demanded",
    "passkey_options_view": "the way in by passkey",
    "passkey_sign_in_view": "the way in by passkey",
    "join_view": "the way in by invitation",
    "first_administrator_view": "the way in of the first administrator, by a link",
    "begin_view": "the way in by a provider",
    "done_view": "the way back from it",
    "sign_out_view": "the way out",
    "home_view": "sends people to the sign-in page or to their first space",
}
WITHOUT_RULE = {root_view: "sends people to /app and shows nothing"}


def pages() -> Iterator[tuple[str, Any]]:
    """Yield route and view of everything below /app, and of the bare address."""

    def walk(patterns: Any, prefix: str) -> Iterator[tuple[str, Any]]:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                yield route, pattern.callback
            else:
                yield from walk(pattern.url_patterns, route)

    for route, view in walk(get_resolver().url_patterns, ""):
        if route == "" or route.startswith("app"):
            yield route, view


def test_every_page_names_its_permission() -> None:
    bare = {
        route
        for route, view in pages()
        if getattr(view, "permission", None) is None and view not in WITHOUT_RULE
    }
    assert not bare


def test_few_pages_are_open_to_anybody() -> None:
    open_pages = {
        view.__name__ for _, view in pages() if getattr(view, "permission", None) is ANONYMOUS
    }
    assert open_pages == set(ANONYMOUS_PAGES)


def test_there_are_pages() -> None:
    assert len(list(pages())) > 50
