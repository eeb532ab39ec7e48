"""NuGet servers as feeds."""

import gzip
import json
from collections.abc import Mapping
from typing import Any

import pytest

from packages_feed.sources import Found, NotThere, SourceFailed
from tests.packages_feed.sources.servers import Answer, serving, source


def test_a_third_nuget_feed_hides_unlisted_versions_and_may_pack_its_answers() -> None:
    entries = [
        {"catalogEntry": {"version": "1.0.0", "published": "2026-01-01T00:00:00Z"}},
        {"catalogEntry": {"version": "1.1.0", "listed": False}},
        {"catalogEntry": {"version": "1.2.0", "published": "1900-01-01T00:00:00Z"}},
    ]

    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        document: dict[str, Any]
        if path == "/index.json":
            resources = [{"@type": "RegistrationsBaseUrl/3.6.0", "@id": f"{served.url}/r/"}]
            return 200, {}, json.dumps({"resources": resources}).encode()
        if path == "/r/acme.web/index.json":
            document = {"items": [{"@id": f"{served.url}/page"}]}
        elif path == "/page":
            document = {"items": entries}
        else:
            return 404, {}, b""
        return 200, {"Content-Encoding": "gzip"}, gzip.compress(json.dumps(document).encode())

    with serving(answer) as served:
        feed = source("NuGet", f"{served.url}/index.json")
        assert feed.versions("Acme.Web") == [Found("1.0.0", "2026-01-01T00:00:00Z")]
        with pytest.raises(NotThere):
            feed.versions("Other")


@pytest.mark.parametrize(
    "document", [{"x": 1}, {"resources": [{"@type": "a", "@id": "http://[x"}]}]
)
def test_an_answer_of_another_form_does_not_mean_that_nothing_is_there(document: Any) -> None:
    body = json.dumps(document).encode()
    with serving(lambda *_: (200, {}, body)) as served, pytest.raises(SourceFailed) as caught:
        source("NuGet", f"{served.url}/index.json").versions("Acme")
    assert not isinstance(caught.value, NotThere)
