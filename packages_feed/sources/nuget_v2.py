"""NuGet feeds of the second protocol (OData)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import quote, urlencode
from xml.etree.ElementTree import Element

from packages_feed.sources.base import FeedPlace, Found, Hit, NotThere, Opened, SourceFailed
from packages_feed.sources.web import FeedClient, joined

_ATOM: Final = "{http://www.w3.org/2005/Atom}"
_DATA: Final = "{http://schemas.microsoft.com/ado/2007/08/dataservices}"
_META: Final = "{http://schemas.microsoft.com/ado/2007/08/dataservices/metadata}"
_MOST_PAGES: Final = 200


class NuGetV2:
    """Answers come in pages, each with the address of the next."""

    def __init__(self, place: FeedPlace) -> None:
        self._client = FeedClient(place)
        self._uri = f"{place.uri.rstrip('/')}/"

    def versions(self, package_id: str) -> list[Found]:
        """Return all listed versions."""
        query = urlencode({"id": _text(package_id), "semVerLevel": "2.0.0"}, quote_via=quote)
        entries = list(self._pages(f"{self._uri}FindPackagesById()?{query}"))
        if not entries:
            raise NotThere(f"The feed has no package {package_id}.")
        return [
            Found(_property(entry, "Version"), _property(entry, "Published"))
            for entry in entries
            if _property(entry, "Listed").lower() != "false"
            and not _property(entry, "Published").startswith("1900")
        ]

    def search(self, term: str, take: int) -> list[Hit]:
        """Return what the feed's search finds, each package once."""
        query = urlencode(
            {
                "searchTerm": _text(term),
                "targetFramework": "''",
                "includePrerelease": "true",
                "$filter": "IsAbsoluteLatestVersion",
                "$top": take,
                "semVerLevel": "2.0.0",
            },
            quote_via=quote,
            safe="$",
        )
        hits: dict[str, Hit] = {}
        for entry in self._client.xml(f"{self._uri}Search()?{query}").iter(f"{_ATOM}entry"):
            name = _property(entry, "Id") or (entry.findtext(f"{_ATOM}title") or "")
            hits.setdefault(name.lower(), Hit(name, _property(entry, "Description")))
        return list(hits.values())[:take]

    @contextmanager
    def open(self, package_id: str, version: str) -> Iterator[Opened]:
        """Give the package's file from where its entry says."""
        place = f"Packages(Id={_quoted(package_id)},Version={_quoted(version)})"
        root = self._client.xml(f"{self._uri}{place}")
        entry = root if root.tag == f"{_ATOM}entry" else root.find(f"{_ATOM}entry")
        content = entry.find(f"{_ATOM}content") if entry is not None else None
        source = content.get("src", "") if content is not None else ""
        if not source:
            raise SourceFailed(f"The feed does not say where {package_id} {version} is.")
        with self._client.pieces(joined(self._uri, source)) as pieces:
            yield Opened(".nupkg", pieces)

    def check(self) -> str:
        """Search for anything."""
        found = self.search("", 1)
        return f"It is a NuGet feed of protocol 2 {'with' if found else 'without'} packages."

    def notes(self, package_id: str, version: str) -> str:
        """Return the notes in the package's entry."""
        place = f"Packages(Id={_quoted(package_id)},Version={_quoted(version)})"
        return _property(self._client.xml(f"{self._uri}{place}"), "ReleaseNotes")

    def _pages(self, url: str) -> Iterator[Element]:
        for _ in range(_MOST_PAGES):
            root = self._client.xml(url)
            yield from root.iter(f"{_ATOM}entry")
            links = (each for each in root.findall(f"{_ATOM}link") if each.get("rel") == "next")
            following = next((each.get("href", "") for each in links), "")
            if not following:
                return
            url = joined(url, following)


def _property(entry: Element, name: str) -> str:
    return (entry.findtext(f".//{_META}properties/{_DATA}{name}") or "").strip()


def _text(value: str) -> str:
    doubled = value.replace("'", "''")
    return f"'{doubled}'"


def _quoted(value: str) -> str:
    return quote(_text(value), safe="'")
