"""How often the fault tests strike, and the randomness that says when."""

import os
import random
from collections import Counter

import pytest

ROUNDS = "OCTOPUS_TEST_FAULT_ROUNDS"
SEED = "OCTOPUS_TEST_FAULT_SEED"
_SHORT_RUN = 1

# The faults that really happened in this run, by kind.
INJECTED: Counter[str] = Counter()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was broken, and how often a promise broke with it."""
    if not INJECTED:
        return
    passed, failed = (terminalreporter.stats.get(name, []) for name in ("passed", "failed"))
    terminalreporter.section("faults")
    for kind, count in sorted(INJECTED.items()):
        terminalreporter.write_line(f"{count:6}  {kind}")
    terminalreporter.write_line(
        f"{len(passed) + len(failed)} cases, {INJECTED.total()} injected faults of the whole"
        f" server, {len(failed)} violations"
    )


def is_thorough() -> bool:
    """Return whether the long fault tests run too: in `make test-faults`, or by the variable."""
    return ROUNDS in os.environ


@pytest.fixture(scope="session")
def fault_rounds() -> int:
    """Give the number of strikes of each kind: one in `make test`, 20 in `make test-faults`."""
    return int(os.environ.get(ROUNDS, _SHORT_RUN))


@pytest.fixture
def fault_random(request: pytest.FixtureRequest) -> random.Random:
    """Give the test's own randomness; the printed seed, set as a variable, repeats it.

    The short form strikes always at the same moments; the long one looks for others.
    """
    found = random.SystemRandom().randrange(10**9) if is_thorough() else 1
    seed = os.environ.get(SEED) or str(found)
    print(f"{request.node.name}: {SEED}={seed}", flush=True)
    return random.Random(f"{seed}/{request.node.name}")
