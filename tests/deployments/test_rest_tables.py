"""The tables of REST calls through Django; over a real socket they run elsewhere."""

from typing import Any

import pytest

from tests.deployments.calls import send
from tests.factories import make_ana
from tests.support.rest_cases import rest_subjects, run_table

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("subject", rest_subjects())
def test_table(subject: str) -> None:
    ana = make_ana()

    def call(method: str, path: str, body: Any) -> tuple[int, Any]:
        return send(ana, method.lower(), path, body)

    assert run_table(subject, call, space="Spaces-1", run="r1") > 5
