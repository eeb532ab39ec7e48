"""NuGet feeds of the third protocol, by their service index."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote, urlencode

from agent.versions import Version
from packages_feed.sources.base import FeedPlace, Found, Hit, Opened, SourceFailed
from packages_feed.sources.web import FeedClient, joined

_CONTENT: Final = ("PackageBaseAddress/3.0.0",)
_SEARCH: Final = ("SearchQueryService/3.5.0", "SearchQueryService/3.0.0-rc", "SearchQueryService")
# The newest first: only it has versions of SemVer 2.
_REGISTRATIONS: Final = (
    "RegistrationsBaseUrl/3.6.0",
    "RegistrationsBaseUrl/Versioned",
    "RegistrationsBaseUrl/3.4.0",
    "RegistrationsBaseUrl/3.0.0-rc",
    "RegistrationsBaseUrl",
)
_MOST_PAGES: Final = 200


class NuGetV3:
    """Lists through registrations, which say what is unlisted; else through the content's index."""

    def __init__(self, place: FeedPlace) -> None:
        self._client = FeedClient(place)
        self._uri = place.uri

    def versions(self, package_id: str) -> list[Found]:
        """Return all listed versions."""
        resources = self._resources()
        base = _one_of(resources, _REGISTRATIONS)
        name = quote(package_id.lower(), safe="")
        if base:
            index = self._client.json(joined(base, f"{name}/index.json"))
            return [_found(entry) for entry in self._entries(index) if _is_listed(entry)]
        content = self._content(resources)
        document = self._client.json(joined(content, f"{name}/index.json"))
        return [Found(str(text)) for text in _items(document, "versions")]

    def search(self, term: str, take: int) -> list[Hit]:
        """Return what the feed's search finds."""
        base = _one_of(self._resources(), _SEARCH)
        if not base:
            raise SourceFailed("The feed cannot be searched: its index names no search service.")
        query = {"q": term, "take": take, "prerelease": "true", "semVerLevel": "2.0.0"}
        document = self._client.json(f"{base}?{urlencode(query)}")
        return [
            Hit(str(each.get("id", "")), str(each.get("description") or ""))
            for each in _documents(_items(document, "data"))
        ]

    @contextmanager
    def open(self, package_id: str, version: str) -> Iterator[Opened]:
        """Give the package's file."""
        content = self._content(self._resources())
        name, number = (
            quote(text, safe="")
            for text in (package_id.lower(), Version.parse(version).normalized.lower())
        )
        url = joined(content, f"{name}/{number}/{name}.{number}.nupkg")
        with self._client.pieces(url) as pieces:
            yield Opened(".nupkg", pieces)

    def check(self) -> str:
        """Read the service index, and search for anything: many show the index to everybody."""
        resources = self._resources()
        self._content(resources)
        if not _one_of(resources, _SEARCH):
            return "It is a NuGet feed of protocol 3, which cannot be searched; look for a package."
        found = self.search("", 1)
        return f"It is a NuGet feed of protocol 3 {'with' if found else 'without'} packages."

    def notes(self, package_id: str, version: str) -> str:
        """Return nothing: registrations have no notes."""
        return ""

    def _resources(self) -> dict[str, str]:
        document = self._client.json(self._uri)
        return {
            str(each.get("@type", "")): joined(self._uri, str(each.get("@id", "")))
            for each in reversed(_documents(_items(document, "resources")))
        }

    def _content(self, resources: dict[str, str]) -> str:
        base = _one_of(resources, _CONTENT)
        if not base:
            raise SourceFailed("The feed's index names no place where packages are.")
        return base

    def _entries(self, index: Any) -> Iterator[dict[str, Any]]:
        for page in _documents(_items(index, "items"))[:_MOST_PAGES]:
            own = (
                page
                if page.get("items")
                else self._client.json(joined(self._uri, str(page.get("@id", ""))))
            )
            for leaf in _documents(_items(own, "items")):
                entry = leaf.get("catalogEntry")
                if isinstance(entry, dict):
                    yield entry


def _one_of(resources: dict[str, str], names: Iterable[str]) -> str:
    address = next((resources[name] for name in names if name in resources), "")
    is_folder = address and not any(name in address for name in ("?", ".json", "/query"))
    return f"{address.rstrip('/')}/" if is_folder else address


def _found(entry: dict[str, Any]) -> Found:
    return Found(str(entry.get("version", "")), str(entry.get("published") or ""))


def _is_listed(entry: dict[str, Any]) -> bool:
    return entry.get("listed") is not False and not str(entry.get("published")).startswith("1900")


def _items(document: Any, name: str) -> list[Any]:
    items = document.get(name) if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise SourceFailed(f"The feed's answer has no {name}.")
    return items


def _documents(items: list[Any]) -> list[dict[str, Any]]:
    return [each for each in items if isinstance(each, dict)]
