"""When a delivery is tried again, and how what is sent is signed."""

import hashlib
import hmac
from datetime import timedelta
from typing import Any

import pytest

from deployments.audit.backoff import wait_after
from deployments.audit.signing import signature
from tests.support.cases import cases


@pytest.mark.parametrize("case", cases("audit", "backoff"))
def test_waiting(case: dict[str, Any]) -> None:
    expected = None if case["seconds"] is None else timedelta(seconds=case["seconds"])
    assert wait_after(case["attempts"]) == expected


def test_a_receiver_can_check_the_signature() -> None:
    expected = hmac.new(b"secret", b'1700000000.{"a":1}', hashlib.sha256).hexdigest()
    assert signature("secret", b'{"a":1}', 1700000000) == f"t=1700000000,v1={expected}"
