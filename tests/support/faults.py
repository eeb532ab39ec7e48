"""How often the fault tests strike, and the randomness that says when."""

import os
import random

import pytest

ROUNDS = "OCTOPUS_TEST_FAULT_ROUNDS"
SEED = "OCTOPUS_TEST_FAULT_SEED"
_SHORT_RUN = 1


def is_thorough() -> bool:
    """Return whether the long fault tests run too: in `make test-faults`, or by the variable."""
    return ROUNDS in os.environ


@pytest.fixture(scope="session")
def fault_rounds() -> int:
    """Give the number of strikes of each kind: one in `make test`, 20 in `make test-faults`."""
    return int(os.environ.get(ROUNDS, _SHORT_RUN))


@pytest.fixture
def fault_random(request: pytest.FixtureRequest) -> random.Random:
    """Give the test's own randomness; the printed seed, set as a variable, repeats it."""
    seed = os.environ.get(SEED) or str(random.SystemRandom().randrange(10**9))
    print(f"{request.node.name}: {SEED}={seed}", flush=True)
    return random.Random(f"{seed}/{request.node.name}")
