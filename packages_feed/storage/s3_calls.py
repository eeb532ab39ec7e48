"""Calls to a store that speaks S3, with its refusals as answers or as StorageFailed."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from packages_feed.storage.base import StorageFailed

T = TypeVar("T")

_MISSING = {"404", "NoSuchKey", "NotFound"}
_EXISTS = {"412", "409", "PreconditionFailed", "ConditionalRequestConflict"}
_UNKNOWN_CONDITION = {"NotImplemented", "501"}


def called(call: Callable[[], T]) -> T | None:
    """Return the answer, or None for what is missing; raises StorageFailed."""
    try:
        return call()
    except ClientError as error:
        if _code(error) in _MISSING:
            return None
        raise StorageFailed(f"The package store answered {_code(error)}.") from error
    except BotoCoreError as error:
        raise StorageFailed(f"The package store failed: {type(error).__name__}.") from error


def created(call: Callable[[dict[str, Any]], Any]) -> bool:
    """Create unless it exists; a store that knows no condition writes the same bytes again."""
    for condition in ({"IfNoneMatch": "*"}, {}):
        try:
            call(condition)
        except ClientError as error:
            if _code(error) in _EXISTS:
                return False
            if condition and _code(error) in _UNKNOWN_CONDITION:
                continue
            raise StorageFailed(f"The package store answered {_code(error)}.") from error
        except BotoCoreError as error:
            raise StorageFailed(f"The package store failed: {type(error).__name__}.") from error
        return True
    return True


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def md5(body: bytes) -> str:
    """Return the header by which a store sees that it got the right bytes."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
