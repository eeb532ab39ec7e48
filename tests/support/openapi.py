"""Generated requests for the operations of the OpenAPI document, sent to the real application."""

import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

DOCUMENT = "/api/openapi.json"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# The die that says whether generated ids stay; the simplest example has real ones.
MOST = 9
# What a property of a body is named after, where it is not the path of its resource.
STEMS = {"process": "deploymentprocesses", "policy": "machinepolicies", "library": "variables"}


@dataclass
class Findings:
    """What the answers to generated requests were, and which of them were wrong."""

    statuses: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    operations: int = 0

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())

    def note(self, status: int) -> None:
        family = f"{status // 100}xx"
        self.statuses[family] = self.statuses.get(family, 0) + 1


@contextmanager
def connections_kept() -> Iterator[None]:
    """Keep the connection of the test's transaction open, as Django's own test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def document() -> Any:
    """Return the document as the application gives it out, with the application to ask."""
    return schemathesis.openapi.from_wsgi(DOCUMENT, get_wsgi_application())


def probe(
    schema: Any,
    *,
    key: str,
    ids: Mapping[str, str],
    examples: int,
    mode: GenerationMode,
    only: str = "",
) -> Findings:
    """Send generated requests to each operation as the holder of the key; each is taken back."""
    findings = Findings()
    for result in schema.get_all_operations():
        operation = result.ok()
        if only not in operation.label:
            continue
        findings.operations += 1

        @seed(0)  # always the same; `derandomize` would read this file for every operation
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        )
        @given(case=operation.as_strategy(generation_mode=mode), dice=st.integers(0, MOST))
        def ask(case: Any, dice: int) -> None:
            settle(case, ids, keep_path=dice == MOST, keep_body=dice > MOST // 2)
            with transaction.atomic():
                response = case.call(headers={"X-Octopus-ApiKey": key})
                transaction.set_rollback(True)
            findings.note(response.status_code)
            try:
                case.validate_response(response, checks=CHECKS)
            except FailureGroup as group:
                for failure in group.exceptions:
                    name = f"{case.operation.label} {response.status_code} {failure.title}"
                    findings.wrong.setdefault(name, told(case, response, failure))

        try:
            ask()
        except Exception as error:
            text = "".join(traceback.format_exception(error))
            findings.wrong[f"{operation.label} {type(error).__name__}"] = text[-3000:]
    return findings


def told(case: Any, response: Any, failure: Any) -> str:
    """Return what was sent, what came and what is wrong about it."""
    message = str(failure.message)[:700]
    body = "" if case.body is None else repr(case.body)[:500]
    sent = f"{case.method} {case.path_parameters} {case.query} {body}"
    return f"{sent}\n  -> {response.content[:700]!r}\n  {message}"


def settle(case: Any, ids: Mapping[str, str], *, keep_path: bool, keep_body: bool) -> None:
    """Put ids of things that are there into the case's path and body."""
    case.path_parameters["space"] = ids["space"]
    if not keep_path:
        parts = case.operation.path.split("/")
        for before, part in pairwise(parts):
            hole = re.fullmatch(r"\{(\w+)\}", part)
            if hole and hole[1] != "space":
                case.path_parameters[hole[1]] = ids.get(hole[1]) or ids.get(before) or "x-1"
    if not keep_body and isinstance(case.body, dict | list):
        case.body = with_ids(case.body, ids)


def with_ids(value: Any, ids: Mapping[str, str], name: str = "") -> Any:
    """Return a JSON value whose properties named after ids have ids that are there."""
    if isinstance(value, dict):
        return {key: with_ids(inner, ids, str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        inner = value or ([""] if name.endswith("Ids") else [])
        return [with_ids(each, ids, name.removesuffix("s")) for each in inner]
    if name.endswith("Id") and isinstance(value, str | None):
        stem = name.removesuffix("Id").lower()
        return ids.get(f"{stem}s") or ids.get(STEMS.get(stem, "")) or value
    return value
