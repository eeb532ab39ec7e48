"""However many variables there are, the next step of a deployment asks the database as often."""

import pytest

from benchmarks.variables import ship


@pytest.mark.django_db
def test_queries_do_not_grow_with_the_variables() -> None:
    few, many = (
        [queries for _, _, queries in ship(number, rounds)] for number, rounds in ((5, 2), (200, 2))
    )
    assert few == many
    assert max(many) <= 10
