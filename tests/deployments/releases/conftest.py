"""Environments that releases go to."""

import pytest

from deployments.infrastructure.models import Environment
from tests.factories.domain import make_environment


@pytest.fixture
def dev() -> Environment:
    return make_environment("Dev")


@pytest.fixture
def prod() -> Environment:
    return make_environment("Prod")
