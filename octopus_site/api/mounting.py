"""Where each app's routes stand, whatever the case of their letters."""

import importlib
import importlib.util
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from django.urls import URLPattern, URLResolver, register_converter
from django.urls.resolvers import RoutePattern

APPS = (
    "deployments.access",
    "deployments.audit",
    "deployments.server_tasks",
    "deployments.library",
    "deployments.infrastructure",
    "packages_feed",
    "deployments.projects",
    "tenants",
    "deployments.releases",
    "deployments.execution",
    "deployments.gateway",
    "deployments.insights",
)


class SpaceConverter:
    """`Spaces-1` in a path."""

    regex = "[Ss][Pp][Aa][Cc][Ee][Ss]-[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: Any) -> str:
        return str(value)


register_converter(SpaceConverter, "space")


class AnyCasePattern(RoutePattern):
    """A route whose literal parts match ignoring case; ids keep theirs."""

    @cached_property
    def _begin(self) -> str:
        return str(self).partition("<")[0].lower()

    @cached_property
    def _form(self) -> re.Pattern[str]:
        return re.compile(self.regex.pattern, re.IGNORECASE)

    def match(self, path: str) -> tuple[str, tuple[Any, ...], dict[str, Any]] | None:
        # Of the hundreds of routes that a request is compared with, few begin as its path does.
        if path[: len(self._begin)].lower() != self._begin:
            return None
        found = self._form.search(path)
        if found is None:
            return None
        values = found.groupdict()
        try:
            converted = {
                name: self.converters[name].to_python(text) for name, text in values.items()
            }
        except ValueError:
            return None
        return path[found.end() :], (), converted


def any_case(patterns: Iterable[URLPattern]) -> list[URLPattern]:
    """Return the patterns with routes that ignore case."""
    return [
        URLPattern(
            AnyCasePattern(str(pattern.pattern), name=pattern.name, is_endpoint=True),
            pattern.callback,
            pattern.default_args,
            pattern.name,
        )
        for pattern in patterns
    ]


def below(prefix: str, patterns: Iterable[URLPattern | URLResolver]) -> URLResolver:
    """Return the patterns below a prefix that ignores case."""
    return URLResolver(AnyCasePattern(prefix, is_endpoint=False), list(patterns))


def app_routes() -> list[URLPattern]:
    """Return the routes of every app, relative to the space."""
    return any_case(route for name in APPS for route in _routes_of(name))


def _routes_of(name: str) -> Iterator[URLPattern]:
    module = f"{name}.api.routes"
    if importlib.util.find_spec(f"{name}.api") and importlib.util.find_spec(module):
        yield from importlib.import_module(module).routes
