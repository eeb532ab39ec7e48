"""The lines of archives: any text has bytes, and what is derived is no part of an event."""

import json
from typing import Any

import pytest

from deployments.audit.archives.lines import is_same, line

EVENT = {"AutoId": 7, "Message": "é", "EventAgent": "curl"}


@pytest.mark.parametrize("text", ["plain", "é", "\ud800", "a\udfffb", "\U0001f419"])
def test_any_text_comes_back(text: str) -> None:
    written = line({"Name": text})
    assert json.loads(written) == {"Name": text}
    assert is_same(written.rstrip(b"\n"), {"Name": text}, ())


@pytest.mark.parametrize(
    ("now", "same"),
    [
        ({}, True),
        ({"EventAgent": "Curl"}, True),
        ({"AddedLater": 1}, True),
        ({"Message": "e"}, False),
        ({"Message": None}, False),
    ],
)
def test_what_counts_as_altered(now: dict[str, Any], same: bool) -> None:
    archived = line(EVENT).rstrip(b"\n")
    assert is_same(archived, {**EVENT, **now}, {"EventAgent"}) is same


def test_what_is_not_there_any_more_counts() -> None:
    assert not is_same(line(EVENT).rstrip(b"\n"), {"AutoId": 7, "EventAgent": "curl"}, ())
