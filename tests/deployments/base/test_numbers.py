"""Whole numbers in what people and clients send."""

import pytest

from deployments.base.numbers import whole_number

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("007", 7),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, None),
        ("9" * 5000, None),
        ("", None),
        (None, None),
        ("-1", None),
        ("1.0", None),
        (" 1", None),
        ("٣", None),
        ("²", None),
    ],
)
def test_only_ascii_digits_of_a_bounded_length_are_a_number(
    text: str | None, number: int | None
) -> None:
    assert whole_number(text) == number
