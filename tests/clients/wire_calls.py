"""REST calls as data: what is sent to a real server, and what must come back.

A call has `send` ("METHOD path"), `body` or `upload`, and what it expects: `status`, `keys`,
`item_keys` (of every row of a page or list), `values` and `matches` (by dotted path), `absent`,
`contains` (the raw text), `plain` (not JSON but text). `keep` remembers values for later calls,
where `{name}` stands for them; `until` repeats a GET until these values are there. A case is a call
with `row`, the need of clients that it stands for, and `before`, the calls that prepare it.
"""

import http.client
import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from tests.factories.packages import zip_of

CASES = Path(__file__).resolve().parents[1] / "cases" / "wire"
UNKNOWN = {"spaceIdOrName": "Default", "ofALaterVersion": {"list": [1, None]}, "links": {}}
_PLACE = re.compile(r"\{(\w+)\}")
_SAFE = "/?&=,%+"
_PIECE = 700
_PATIENCE = 60.0
_BOUNDARY = "a-boundary-of-the-cases"

Call = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """A response: JSON where it is JSON, the text in any case."""

    status: int
    content_type: str
    text: str

    @property
    def json(self) -> Any:
        assert self.content_type.startswith("application/json"), (self.content_type, self.text)
        return json.loads(self.text)


@dataclass
class Caller:
    """Calls one server; bodies go chunked, without a length, with fields that nobody knows."""

    url: str
    key: str
    names: dict[str, str] = field(default_factory=dict)

    def child(self) -> "Caller":
        """Return a caller for one case: it knows these names and a `unique` of its own."""
        tomorrow = datetime.now(UTC).date() + timedelta(days=1)
        # With a letter in front: digits after a dot would begin a version.
        own = {"unique": f"u{uuid.uuid4().hex[:7]}", "tomorrow": tomorrow.isoformat()}
        return Caller(self.url, self.key, {**self.names, **own})

    def run(self, call: Call) -> Answer:
        """Make a call, check its answer, remember what it keeps."""
        end = time.monotonic() + _PATIENCE
        while True:
            answer = self.send(call)
            problems = list(_problems(self._fill(call.get("until", {})), answer))
            if not problems:
                break
            assert time.monotonic() < end, (call["send"], problems, answer.text)
            time.sleep(0.2)
        self._check(call, answer)
        for name, path in call.get("keep", {}).items():
            self.names[name] = str(look_up(answer.json, path))
        return answer

    def send(self, call: Call) -> Answer:
        """Make a call and return whatever comes back."""
        method, _, path = self._fill(call["send"]).partition(" ")
        headers = {"X-Octopus-ApiKey": call.get("key", self.key)}
        if "key" in call and not call["key"]:
            del headers["X-Octopus-ApiKey"]
        headers |= self._fill(call.get("headers", {}))
        pieces = self._pieces(call, headers)
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            connection.request(
                method, quote(path, _SAFE), pieces, headers, encode_chunked=pieces is not None
            )
            response = connection.getresponse()
            text = response.read().decode()
            return Answer(response.status, response.headers.get("Content-Type", ""), text)
        finally:
            connection.close()

    def _pieces(self, call: Call, headers: dict[str, str]) -> Iterator[bytes] | None:
        if "upload" in call:
            headers["Content-Type"] = f"multipart/form-data; boundary={_BOUNDARY}"
            content = _multipart(self._fill(call["upload"]))
        elif "body" in call:
            body = self._fill(call["body"])
            content = json.dumps({**UNKNOWN, **body} if isinstance(body, dict) else body).encode()
            headers.setdefault("Content-Type", "application/json")
        else:
            return None
        headers["Transfer-Encoding"] = "chunked"
        return (content[at : at + _PIECE] for at in range(0, len(content), _PIECE))

    def _check(self, call: Call, answer: Answer) -> None:
        told = (self._fill(call["send"]), answer.text[:3000])
        assert answer.status == call.get("status", 200), (answer.status, *told)
        for text in self._fill(call.get("contains", [])):
            assert text in answer.text, (text, *told)
        if call.get("plain"):
            assert answer.content_type.startswith("text/plain"), (answer.content_type, *told)
        needed = ("keys", "item_keys", "values", "matches", "absent")
        if not any(name in call for name in needed):
            return
        content = answer.json
        missing = [name for name in call.get("keys", []) if name not in content]
        assert not missing, (missing, *told)
        rows = content["Items"] if isinstance(content, dict) and "Items" in content else content
        if "item_keys" in call:
            assert rows, told
            for row in rows:
                assert set(call["item_keys"]) <= set(row), (call["item_keys"], *told)
        assert not [name for name in call.get("absent", []) if name in content], told
        problems = list(_problems(self._fill(call.get("values", {})), answer))
        assert not problems, (problems, *told)
        for path, pattern in self._fill(call.get("matches", {})).items():
            found = look_up(content, path)
            assert re.fullmatch(pattern, str(found)), (path, pattern, found, *told)

    def _fill(self, value: Any) -> Any:
        if isinstance(value, str):
            return _PLACE.sub(lambda m: self.names.get(m[1], m[0]), value)
        if isinstance(value, list):
            return [self._fill(each) for each in value]
        if isinstance(value, dict):
            return {self._fill(name): self._fill(each) for name, each in value.items()}
        return value


def look_up(content: Any, path: str) -> Any:
    """Return the value at a path like `Items.0.Name`; `#` is a length; None when not there.

    A key that holds dots is written with `/` between the parts of the path.
    """
    for part in path.split("/" if "/" in path else "."):
        if part == "#":
            content = len(content)
        elif isinstance(content, list):
            content = content[int(part)] if int(part) < len(content) else None
        elif isinstance(content, dict):
            content = content.get(part)
        else:
            return None
    return content


def read_cases() -> list[tuple[str, dict[str, Any]]]:
    """Return every case with its name: the file and the row of the reference."""
    return [
        (f"{path.stem}: {case['row']}", case)
        for path in sorted(CASES.glob("[a-z]*.json"))
        for case in json.loads(path.read_text(encoding="utf-8"))
    ]


def read_world() -> list[dict[str, Any]]:
    """Return the calls that make what the cases need."""
    calls: list[dict[str, Any]] = json.loads((CASES / "_world.json").read_text(encoding="utf-8"))
    return calls


def _problems(values: Mapping[str, Any], answer: Answer) -> Iterator[tuple[str, Any, Any]]:
    for path, wanted in values.items():
        found = look_up(answer.json, path)
        if found != wanted:
            yield path, found, wanted


def _multipart(upload: Mapping[str, str]) -> bytes:
    content = zip_of({"readme.txt": upload.get("content", "text").encode()})
    if upload.get("plain"):
        content = b"this is no archive"
    head = (
        f"--{_BOUNDARY}\r\nContent-Disposition: form-data;"
        f' name="{upload["field"]}"; filename="{upload["name"]}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return head.encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
