"""`make audit`: known weaknesses of the exact versions in constraints.txt.

The advisories come from the package index. Where it is out of reach, or is a mirror without them,
one line says so and nothing fails: the index is asked about one package before all.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_FIRST = "django"
_LONGEST_S = 120
UNREACHED = "audit: left out, the advisories of the package index cannot be read from here"


def main() -> int:
    """Return 0 when no weakness is known, or none can be looked up."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lines if "==" in line]
    for asked in ([line for line in pinned if line.lower().startswith(f"{_FIRST}==")], pinned):
        code, text = verdict(_ask(asked))
        if text == UNREACHED or asked == pinned:
            print(text)
            return code
    return 0


def verdict(answer: Mapping[str, Any] | None) -> tuple[int, str]:
    """Return the exit code and what to say for pip-audit's answer; None when it had none."""
    packages = (answer or {}).get("dependencies", [])
    looked_up = [package for package in packages if "vulns" in package]
    if not looked_up:
        return 0, UNREACHED
    weak = [
        f"{package['name']} {package['version']}: {weakness['id']}"
        f" (mended in {', '.join(weakness['fix_versions']) or 'no version yet'})"
        for package in looked_up
        for weakness in package["vulns"]
    ]
    rest = len(packages) - len(looked_up)
    unknown = f", {rest} could not be looked up" if rest else ""
    summary = f"audit: {len(weak)} known weaknesses in {len(looked_up)} packages{unknown}"
    return int(bool(weak)), "\n".join([*weak, summary])


def _ask(pinned: list[str]) -> dict[str, Any] | None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write("\n".join(pinned))
        file.flush()
        options = ["--no-deps", "--disable-pip", "--format=json", "--progress-spinner=off"]
        command = [sys.executable, "-m", "pip_audit", *options, "--timeout=10", "-r", file.name]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_LONGEST_S, check=False
            )
            answer: dict[str, Any] = json.loads(done.stdout)
        except (subprocess.TimeoutExpired, ValueError):
            return None
    return answer


if __name__ == "__main__":
    sys.exit(main())
