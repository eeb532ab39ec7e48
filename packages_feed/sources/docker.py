"""Registries of container images: the tags of a repository; images are never fetched here."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from deployments.base.outgoing import HttpRequest, open_answer
from packages_feed.sources.base import FeedPlace, Found, Hit, NotThere, Opened, SourceFailed
from packages_feed.sources.web import (
    NO_CREDENTIALS,
    OK,
    FeedClient,
    failing_plainly,
    joined,
    whole,
)

_PARAMETER: Final = re.compile(r'([a-z]+)="([^"]{0,2000})"')
_NEXT: Final = re.compile(r'<([^>]{1,2000})>\s*;\s*rel="?next"?')
_HUB: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_HUB_URI: Final = "https://registry-1.docker.io"
_MOST_PAGES: Final = 50
_PAGE: Final = 1000
_SILENCE_S: Final = 20.0


class DockerRegistry:
    """Speaks the second version of the registry's protocol, with its tokens."""

    def __init__(self, place: FeedPlace) -> None:
        self._place = place
        self._is_hub = urlsplit(place.uri).hostname in _HUB
        self._uri = _HUB_URI if self._is_hub else place.uri.rstrip("/").removesuffix("/v2")
        # The registry's address, which for Docker Hub is another one than people know.
        self._client = FeedClient(replace(place, uri=self._uri))
        self._prefix = place.settings.get("RegistryPath", "").strip("/")

    def versions(self, package_id: str) -> list[Found]:
        """Return all tags of the repository."""
        name = self._repository(package_id)
        pages = self._pages(f"/v2/{name}/tags/list?n={_PAGE}", f"repository:{name}:pull")
        return [Found(str(tag)) for page in pages for tag in page.get("tags") or []]

    def search(self, term: str, take: int) -> list[Hit]:
        """Return repositories of the catalogue; without one, the repository of that very name."""
        try:
            pages = self._pages(f"/v2/_catalog?n={_PAGE}", "registry:catalog:*")
            names = [str(name) for page in pages for name in page.get("repositories") or []]
        except SourceFailed:
            try:
                self.versions(term)
            except NotThere:
                return []
            return [Hit(term)]
        return [Hit(name) for name in names if term.lower() in name.lower()][:take]

    def open(self, package_id: str, version: str) -> AbstractContextManager[Opened]:
        """Refuse: targets pull images themselves."""
        raise SourceFailed(
            f"{package_id}:{version} is a container image, which targets pull themselves."
        )

    def check(self) -> str:
        """Ask for the root of the protocol, with a token where the registry wants one."""
        self._sign_in("/v2/", "registry:catalog:*")
        url = f"{self._uri}/v2/"
        with self._client.opened(url) as response:
            version = response.getheader("Docker-Distribution-Api-Version") or ""
        if not version.lower().startswith("registry/2"):
            return "It answers as a registry does, but does not say that it is one."
        return "It is a container registry."

    def notes(self, package_id: str, version: str) -> str:
        """Return nothing: images have no notes."""
        return ""

    def _repository(self, package_id: str) -> str:
        name = f"{self._prefix}/{package_id}" if self._prefix else package_id
        if self._is_hub and "/" not in name:
            name = f"library/{name}"
        return quote(name, safe="/")

    def _pages(self, path: str, scope: str) -> Iterator[dict[str, Any]]:
        self._sign_in(path, scope)
        url = f"{self._uri}{path}"
        for _ in range(_MOST_PAGES):
            with self._client.opened(url) as response:
                page = _document(self._client.whole(response, url))
                found = _NEXT.search(response.getheader("Link") or "")
            yield page
            if not found:
                return
            url = joined(url, found[1])

    def _sign_in(self, path: str, scope: str) -> None:
        """Get a token where the registry asks for one."""
        url = f"{self._uri}{path}"
        with self._client.opened(url, also=(NO_CREDENTIALS,)) as response:
            asked = response.getheader("WWW-Authenticate") or ""
            if response.status != NO_CREDENTIALS:
                return
        if not asked.lower().startswith("bearer "):
            with self._client.opened(url):
                return
        wanted = dict(_PARAMETER.findall(asked))
        token = self._token(wanted.get("realm", ""), wanted.get("service", ""), scope)
        self._client.sign_in_with({"Authorization": f"Bearer {token}"})

    def _token(self, realm: str, service: str, scope: str) -> str:
        """Ask the place that the registry names; credentials go there encrypted only, or home."""
        parts, own = urlsplit(joined(self._uri, realm)), urlsplit(self._uri)
        headers = {}
        if self._place.username and (parts.scheme == "https" or parts.netloc == own.netloc):
            pair = f"{self._place.username}:{self._place.password}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        url = f"{realm}?{urlencode({'service': service, 'scope': scope})}"
        request = HttpRequest("GET", url, headers, allow_loopback=self._place.allow_loopback)
        with failing_plainly(url), open_answer(request, _SILENCE_S) as response:
            body = whole(response, parts.netloc)
            status = response.status
        document = _document(body) if status == OK else {}
        token = str(document.get("token") or document.get("access_token") or "")
        if not token:
            raise SourceFailed(f"{parts.netloc} gives no token for the registry ({status}).")
        return token


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceFailed("The registry's answer is not JSON.") from error
    if not isinstance(document, dict):
        raise SourceFailed("The registry's answer is not one document.")
    return document
