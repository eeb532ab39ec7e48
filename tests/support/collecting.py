"""Collections of garbage do not look at what is loaded for the whole run."""

import gc

import pytest

# Modules, models and tests are some hundred thousand objects; to look at them again and again
# takes more than half of the time in which they are loaded.
gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave what is there out of collections, which begin with the first test."""
    gc.freeze()
    gc.enable()
