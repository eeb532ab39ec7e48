"""Request bodies are JSON whatever their Content-Type says."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from deployments.base.errors import Invalid


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
            return json.loads(raw.decode("utf-8-sig"))
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            raise ParseError("The request body is not valid JSON.") from error


def fields_of(data: Any) -> dict[str, Any]:
    """Return the properties of a JSON object by their names in lower case; raises Invalid."""
    if not isinstance(data, Mapping):
        raise Invalid("A JSON object is expected.")
    return {str(name).lower(): value for name, value in data.items()}
