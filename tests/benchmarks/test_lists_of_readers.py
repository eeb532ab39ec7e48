"""Lists of a large space cost readers who see a part of it no more statements than others."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.space.data import Size, fill
from benchmarks.space.lists import LISTS
from benchmarks.space.readers import MANAGER, make_readers

SIZE = Size(projects=20, deployments=400, events=400, tenants=20, hot=0, is_wide=False)
FEW = ("one project", "a project group", "a project, its environment and tenant")


@pytest.mark.postgres
@pytest.mark.django_db
def test_who_sees_little_asks_as_often() -> None:
    fill(SIZE)
    readers = make_readers()
    for name, path in LISTS.items():
        with CaptureQueriesContext(connection) as usual:
            assert readers[MANAGER].get(path).status_code == 200
        for reader in FEW:
            with CaptureQueriesContext(connection) as statements:
                assert readers[reader].get(path).status_code == 200
            # Their roles are read beside what the manager needs.
            assert len(statements) <= len(usual) + 2, (name, reader)
