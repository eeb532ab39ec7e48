"""Request bodies are JSON whatever their Content-Type says."""

import json
import math
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from deployments.base.errors import Invalid

DEEPEST = 64


class AnyJsonParser(BaseParser):
    """Read the body as JSON; an empty body is an empty object."""

    media_type = "*/*"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw: bytes = stream.read(limit + 1)
        if len(raw) > limit:
            raise RequestDataTooBig
        if not raw.strip():
            return {}
        try:
            data = json.loads(
                raw.decode("utf-8-sig"), parse_constant=_no_number, parse_float=_finite
            )
            if b"\\u" in raw:
                # Half of a pair of UTF-16 has no bytes: no database takes it.
                json.dumps(data, ensure_ascii=False).encode()
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            raise ParseError("The request body is not valid JSON.") from error
        if raw.count(b"[") + raw.count(b"{") > DEEPEST and depth_of(data) > DEEPEST:
            raise ParseError(f"The request body is nested more than {DEEPEST} levels deep.")
        return data


def depth_of(data: Any) -> int:
    """Return how many objects and arrays lie in one another."""
    level, depth = [data], 0
    while level := [each for each in level if isinstance(each, dict | list) and each]:
        depth += 1
        level = [
            child for each in level for child in (each.values() if isinstance(each, dict) else each)
        ]
    return depth


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large.")
    return number


def _no_number(text: str) -> Any:
    # Python alone would take them; no database stores them as JSON.
    raise ValueError(f"{text} is no JSON.")


def fields_of(data: Any) -> dict[str, Any]:
    """Return the properties of a JSON object by their names in lower case; raises Invalid."""
    if not isinstance(data, Mapping):
        raise Invalid("A JSON object is expected.")
    return {str(name).lower(): value for name, value in data.items()}
