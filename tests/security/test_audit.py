"""What the audit of dependencies says for each answer it may get."""

from typing import Any

import pytest

from tests.tools.audit import UNREACHED, verdict

WEAK = {
    "name": "acme",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}, {"id": "PYSEC-2", "fix_versions": []}],
}
GOOD = {"name": "good", "version": "2.0", "vulns": []}
UNKNOWN = {"name": "mine", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("answer", "code", "text"),
    [
        (None, 0, UNREACHED),
        ({"dependencies": []}, 0, UNREACHED),
        ({"dependencies": [UNKNOWN]}, 0, UNREACHED),
        ({"dependencies": [GOOD]}, 0, "audit: 0 known weaknesses in 1 packages"),
        (
            {"dependencies": [GOOD, WEAK, UNKNOWN]},
            1,
            """acme 1.0: PYSEC-1 (mended in 1.1)
acme 1.0: PYSEC-2 (mended in no version yet)
audit: 2 known weaknesses in 2 packages, 1 could not be looked up""",
        ),
    ],
)
def test_what_is_said(answer: Any, code: int, text: str) -> None:
    assert verdict(answer) == (code, text)
