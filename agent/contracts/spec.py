"""The canonical form of a command's spec, which both sides hash the same way."""

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> bytes:
    """Write JSON with sorted keys, without spaces, as UTF-8."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def spec_hash(spec: dict[str, Any]) -> str:
    """Return the SHA-256 (hex) of the canonical form of a spec."""
    return hashlib.sha256(canonical_json(spec)).hexdigest()
