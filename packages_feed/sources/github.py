"""Repositories on GitHub: tags are the versions, a tag's source is the package."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote, urlencode

from packages_feed.sources.base import FeedPlace, Found, Hit, NotThere, Opened, SourceFailed
from packages_feed.sources.web import FeedClient

_JSON: Final = "application/vnd.github+json"
_PAGE: Final = 100
_MOST_PAGES: Final = 30


class GitHub:
    """Asks GitHub's REST API; a password without a user name is a token."""

    def __init__(self, place: FeedPlace) -> None:
        self._client = FeedClient(place)
        self._uri = place.uri.rstrip("/")
        if place.password and not place.username:
            self._client.sign_in_with({"Authorization": f"Bearer {place.password}"})

    def versions(self, package_id: str) -> list[Found]:
        """Return all tags of the repository."""
        found: list[Found] = []
        for number in range(1, _MOST_PAGES + 1):
            url = f"{self._repository(package_id)}/tags?per_page={_PAGE}&page={number}"
            tags = _documents(self._client.json(url, _JSON))
            found += [Found(str(tag.get("name", ""))) for tag in tags]
            if len(tags) < _PAGE:
                break
        return found

    def search(self, term: str, take: int) -> list[Hit]:
        """Return repositories; `owner/` finds those of an owner, `owner/name` that one."""
        owner, slash, name = term.strip().partition("/")
        text = f"{name} user:{owner}".strip() if slash else owner
        query = urlencode({"q": text, "per_page": min(take, _PAGE)})
        document = self._client.json(f"{self._uri}/search/repositories?{query}", _JSON)
        items = document.get("items") if isinstance(document, dict) else None
        return [
            Hit(str(each.get("full_name", "")), str(each.get("description") or ""))
            for each in _documents(items)
        ]

    @contextmanager
    def open(self, package_id: str, version: str) -> Iterator[Opened]:
        """Give the zip file of the tag's source."""
        url = f"{self._repository(package_id)}/zipball/{quote(version, safe='')}"
        with self._client.pieces(url) as pieces:
            yield Opened(".zip", pieces)

    def check(self) -> str:
        """Ask how many requests are left."""
        document = self._client.json(f"{self._uri}/rate_limit", _JSON)
        rate = document.get("rate") if isinstance(document, dict) else None
        if not isinstance(rate, dict):
            raise SourceFailed("GitHub's answer does not say how many requests are left.")
        return f"It answers; {rate.get('remaining')} of {rate.get('limit')} requests are left."

    def notes(self, package_id: str, version: str) -> str:
        """Return the text of the release of the tag, if there is one."""
        url = f"{self._repository(package_id)}/releases/tags/{quote(version, safe='')}"
        try:
            document = self._client.json(url, _JSON)
        except NotThere:
            return ""
        return str(document.get("body") or "") if isinstance(document, dict) else ""

    def _repository(self, package_id: str) -> str:
        owner, slash, name = package_id.partition("/")
        if not (owner and slash and name) or "/" in name:
            raise NotThere(f"'{package_id}' is not owner/repository.")
        return f"{self._uri}/repos/{quote(owner, safe='')}/{quote(name, safe='')}"


def _documents(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise SourceFailed("GitHub's answer is no list.")
    return [each for each in value if isinstance(each, dict)]
