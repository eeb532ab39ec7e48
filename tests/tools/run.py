"""`make test`: run every check and group, some at a time, and say what ran, failed or was left out.

OCTOPUS_TEST_REQUIRE_ALL=1 makes a group that was left out a failure. OCTOPUS_TEST_SECOND_TRY=1
runs a group's failed tests, three at most, once more and names those that pass only then: that is a
bug to find, but not one of the change that is being tested.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.tools import install  # noqa: E402 it lies in this repository
from tests.tools.jobs import JOBS, Job  # noqa: E402

# One more than cores: most groups wait half of their time for processes and browsers.
LANES = (os.cpu_count() or 2) + 1
LONGEST_JOB = 1500
# pytest has run all tests, and some have failed; otherwise others may not have run at all.
SOME_FAILED = 1
NO_TESTS = 5
MOST_BY_CHANCE = 3
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+::.+)$", re.MULTILINE)
_COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)")


@dataclass
class Outcome:
    """How one job went."""

    job: Job
    seconds: float = 0.0
    output: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    problem: str = ""
    left_out: str = ""
    by_chance: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """Return the one line of the summary."""
        name = f"{self.job.name:<11}"
        if self.left_out:
            return f"{name}LEFT OUT   {self.left_out}"
        state = "FAILED" if self.problem else "ok"
        counts = ", ".join(f"{n} {what}" for what, n in sorted(self.counts.items()) if n)
        return f"{name}{state:<8}{self.seconds:6.1f} s   {counts}   {self.problem}".rstrip()


def main() -> int:
    """Run all jobs; return 0 only when nothing failed."""
    begin = time.monotonic()
    names = sys.argv[1:]
    jobs = [job for job in JOBS if not names or job.name in names]
    install.main()
    return _summary(_run_together(jobs), time.monotonic() - begin)


def _run_together(jobs: list[Job]) -> list[Outcome]:
    with ThreadPoolExecutor(LANES) as lanes:
        return list(lanes.map(lambda job: _report(_run(job)), jobs))


_print_lock = threading.Lock()


def _report(outcome: Outcome) -> Outcome:
    with _print_lock:
        if outcome.problem or outcome.by_chance:
            print(f"\n===== {outcome.job.name} =====\n{outcome.output.rstrip()}\n", flush=True)
        print(outcome.line, flush=True)
    return outcome


def _run(job: Job) -> Outcome:
    outcome = Outcome(job)
    missing = [name for name in job.needs if not install.present(name)]
    if missing:
        outcome.left_out = f"not installed: {', '.join(missing)} (run as root, or install it)"
        return outcome
    begin = time.monotonic()
    for command in job.commands:
        code, output = _execute(command, job)
        outcome.output += output
        if code == SOME_FAILED and job.is_tests and _passes_now(outcome, command):
            code = 0
        if code:
            name = " ".join([Path(command[0]).name, *command[1:3]])
            outcome.problem += f"{', ' if outcome.problem else ''}{name}: exit {code}"
        if job.is_tests:
            _count(outcome, code, output)
        elif not code:
            outcome.counts["passed"] += 1
        else:
            outcome.counts["failed"] += 1
    outcome.seconds = time.monotonic() - begin
    return outcome


def _passes_now(outcome: Outcome, command: Sequence[str]) -> bool:
    failed = _FAILED.findall(outcome.output)
    if os.environ.get("OCTOPUS_TEST_SECOND_TRY") != "1" or not 0 < len(failed) <= MOST_BY_CHANCE:
        return False
    code, output = _execute(
        [*command, "--last-failed", "--last-failed-no-failures=none"], outcome.job
    )
    outcome.output += f"\n----- the second try -----\n{output}"
    if not code:
        outcome.by_chance = failed
    return not code


def _environment() -> dict[str, str]:
    # Without compiled files, each of the hundreds of processes would compile the whole server.
    return {n: text for n, text in os.environ.items() if n != "PYTHONDONTWRITEBYTECODE"}


def _execute(command: Sequence[str], job: Job) -> tuple[int, str]:
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**_environment(), **job.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
        errors="replace",
    )
    try:
        output, _ = process.communicate(timeout=LONGEST_JOB)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return 124, f"{output}\nno end after {LONGEST_JOB} s\n"
    return process.returncode, output


def _count(outcome: Outcome, code: int, output: str) -> None:
    lines = output.strip().splitlines()
    for number, what in _COUNT.findall(lines[-1] if lines else ""):
        outcome.counts["failed" if what.startswith("error") else what] += int(number)
    outcome.counts["passed"] += len(outcome.by_chance)
    outcome.counts["failed"] -= len(outcome.by_chance)
    if code == NO_TESTS:
        outcome.problem = "no test in this group"
    if code and not outcome.counts["failed"]:
        outcome.counts["failed"] = 1


def _summary(outcomes: list[Outcome], seconds: float) -> int:
    total: Counter[str] = Counter()
    for outcome in outcomes:
        total.update(outcome.counts)
    left_out = [outcome for outcome in outcomes if outcome.left_out or outcome.counts["skipped"]]
    print(f"\n{'-' * 60}")
    for outcome in outcomes:
        print(outcome.line)
    print(f"{'-' * 60}\n{seconds:.0f} s in all")
    for outcome in outcomes:
        for test in outcome.by_chance:
            print(f"passed only at the second try, find out why: {test}")
    failed = total["failed"]
    if left_out and os.environ.get("OCTOPUS_TEST_REQUIRE_ALL") == "1":
        names = ", ".join(outcome.job.name for outcome in left_out)
        print(f"left out, though everything must run: {names}")
        failed += len(left_out)
    print(f"{total['passed']} passed, {failed} failed", flush=True)
    return 1 if failed or any(outcome.problem for outcome in outcomes) else 0


if __name__ == "__main__":
    raise SystemExit(main())
