"""The engine's promise: queries do not grow with the targets, and by as many for each step."""

import pytest

from benchmarks.queries import count


@pytest.mark.django_db
def test_queries_do_not_grow_with_the_targets() -> None:
    count(1)
    assert count(1) == count(50)


@pytest.mark.django_db
def test_each_step_costs_the_same_whatever_the_targets() -> None:
    count(1)
    one, two, four = (sum(count(1, steps).values()) for steps in (1, 2, 4))
    assert four - two == 2 * (two - one)
    assert sum(count(25, 4).values()) == four


@pytest.mark.django_db
def test_a_target_execution_costs_at_most_six_queries() -> None:
    count(1)
    for targets, steps in ((25, 1), (25, 4)):
        assert sum(count(targets, steps).values()) <= 6 * targets * steps
