"""Runs every test that docs/faults.md names, the long ones too: what `make test-faults` does."""

import re
import sys
from pathlib import Path

import pytest

_TEST = re.compile(r"`(tests/[\w/]+\.py::test_\w+)`")


def main() -> int:
    """Run them and return pytest's exit code; the summary counts cases and faults."""
    named = _TEST.findall(Path("docs/faults.md").read_text(encoding="utf-8"))
    return int(pytest.main(["-q", *sys.argv[1:], *dict.fromkeys(named), "tests/faults"]))


if __name__ == "__main__":
    raise SystemExit(main())
