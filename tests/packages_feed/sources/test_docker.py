"""Container registries as feeds."""

import base64
from collections.abc import Mapping

import pytest

from packages_feed.sources import NotThere, SourceFailed, docker
from tests.packages_feed.sources.servers import Answer, fetched, files, serving, source, versions


class Registry:
    """A registry with two pages of tags that wants a token, for which it wants a password."""

    def __init__(self) -> None:
        self.url = ""

    def __call__(self, path: str, headers: Mapping[str, str]) -> Answer:
        sent = headers.get("Authorization", "")
        if path.startswith("/token"):
            pair = base64.b64encode(b"ana:secret").decode()
            scopes = ("repository%3Aacme%2Fweb%3Apull", "registry%3Acatalog%3A%2A")
            is_right = sent == f"Basic {pair}" and path.rpartition("scope=")[2] in scopes
            return (200, {}, b'{"token": "t1"}') if is_right else (401, {}, b"{}")
        if sent != "Bearer t1":
            asked = f'Bearer realm="{self.url}/token",service="registry"'
            return 401, {"WWW-Authenticate": asked}, b"{}"
        if path == "/v2/":
            return 200, {"Docker-Distribution-Api-Version": "registry/2.0"}, b"{}"
        if path.endswith("last=1.0.0"):
            return 200, {}, b'{"tags": ["1.1.0"]}'
        if path.startswith("/v2/acme/web/tags/list"):
            following = {"Link": '</v2/acme/web/tags/list?last=1.0.0>; rel="next"'}
            return 200, following, b'{"tags": ["latest", "1.0.0"]}'
        return 404, {}, b"{}"


def test_a_registry_gives_tags_for_a_token() -> None:
    answers = Registry()
    with serving(answers) as served:
        answers.url = served.url
        registry = source("Docker", served.url, username="ana", password="secret")
        assert registry.check() == "It is a container registry."
        assert versions(registry, "acme/web") == ["1.1.0", "1.0.0"]
        prefixed = source(
            "Docker",
            served.url,
            username="ana",
            password="secret",
            settings={"RegistryPath": "acme"},
        )
        assert versions(prefixed, "web") == ["1.1.0", "1.0.0"]
        with pytest.raises(SourceFailed, match="no token"):
            source("Docker", served.url, username="ana", password="x").versions("acme/web")
        with pytest.raises(SourceFailed, match="no token"):
            source("Docker", served.url, username="ana", password="x").check()
        with pytest.raises(SourceFailed, match="pull themselves"):
            fetched(registry, "acme/web", "1.0.0")


def test_a_registry_without_sign_in_has_a_catalogue() -> None:
    content = {"/v2/_catalog?n=1000": b'{"repositories": ["acme/web", "other"]}'}
    with serving(files(content)) as served:
        registry = source("Docker", served.url)
        assert [hit.package_id for hit in registry.search("WEB", 10)] == ["acme/web"]
        with pytest.raises(NotThere):
            registry.versions("nothing")


def test_the_token_of_docker_hub_goes_to_its_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        if path.startswith("/token"):
            return 200, {}, b'{"token": "t"}'
        if headers.get("Authorization") != "Bearer t":
            return 401, {"WWW-Authenticate": f'Bearer realm="{served.url}/token"'}, b""
        return 200, {}, b'{"tags": ["1.0.0"]}'

    with serving(answer) as served:
        monkeypatch.setattr(docker, "_HUB_URI", served.url)
        hub = source("Docker", "https://index.docker.io")
        assert versions(hub, "alpine") == ["1.0.0"]
    assert served.seen[-1][0].startswith("/v2/library/alpine/")
