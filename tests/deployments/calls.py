"""Calling the REST API as a person."""

import json
from typing import Any

from tests.factories import Person

S = "/api/Spaces-1"


def send(person: Person, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Return status and JSON of a call."""
    answer = getattr(person.api, method)(
        path, data=json.dumps(body) if body is not None else None, content_type="application/json"
    )
    return answer.status_code, answer.json()
