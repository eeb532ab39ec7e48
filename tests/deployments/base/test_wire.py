"""What answers are written of: moments that the database writes, and JSON."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from django.utils.functional import lazystr
from rest_framework.renderers import JSONRenderer

from deployments.base.api.dates import Wire
from deployments.base.api.renderers import QuickJSONRenderer
from deployments.server_tasks.models import ServerTask
from tests.factories.spaces import default_space


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("microseconds", "expected"),
    [
        (0, "2026-03-01T23:59:59.000+00:00"),
        (7, "2026-03-01T23:59:59.000+00:00"),
        (81_500, "2026-03-01T23:59:59.081+00:00"),
        (999_999, "2026-03-01T23:59:59.999+00:00"),
    ],
)
def test_the_database_writes_moments_with_milliseconds(microseconds: int, expected: str) -> None:
    moment = datetime(2026, 3, 1, 23, 59, 59, microseconds, tzinfo=UTC)
    task = ServerTask.objects.create(
        space=default_space(), kind="Deploy", description="x", queued=moment, last_updated=moment
    )
    rows = ServerTask.objects.in_space(default_space()).filter(pk=task.pk)
    written = rows.annotate(at=Wire("queued"), none=Wire("completed")).values_list("at", "none")
    assert list(written) == [(expected, None)]


class Colour(StrEnum):
    RED = "Red"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"Name": "Straße 🚀", "Count": 3, "None": None},
            '{"Name":"Straße 🚀","Count":3,"None":null}',
        ),
        ([datetime(2026, 3, 1, 8, 0, 0, 81_500, tzinfo=UTC)], '["2026-03-01T08:00:00.081500Z"]'),
        ([Decimal("1.50"), UUID(int=1)], '[1.5,"00000000-0000-0000-0000-000000000001"]'),
        ([Colour.RED, lazystr("later"), (1, 2)], '["Red","later",[1,2]]'),
        ({1: "a number as a name"}, '{"1":"a number as a name"}'),
        ([2**70], "[1180591620717411303424]"),
        ("two\u2028lines\u2029more", '"two\\u2028lines\\u2029more"'),
        ('a "quote", a \\ and a \n', '"a \\"quote\\", a \\\\ and a \\n"'),
        ({}, "{}"),
        (None, ""),
    ],
)
def test_json_is_written_as_the_framework_writes_it(data: Any, expected: str) -> None:
    written = QuickJSONRenderer().render(data)
    assert written.decode() == expected
    if expected:
        json.loads(written)
        assert JSONRenderer().render(data) == written
