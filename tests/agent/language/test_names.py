"""Names of variables as paths: those that need no reader come out as the reader reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.language.characters import fold
from agent.language.names import path_of
from agent.language.parser import parse_name
from agent.language.tokens import Identifier, Index


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Name", [(False, "NAME", "Name")]),
        ("Project.Db:Port", [(False, "PROJECT", "Project"), (False, "DB:PORT", "Db:Port")]),
        ("A[1].B", [(False, "A", "A"), (True, "1", "1"), (False, "B", "B")]),
        ("A[Step one]", [(False, "A", "A"), (True, "STEP ONE", "Step one")]),
        ("A[  x ]", [(False, "A", "A"), (True, "X ", "x ")]),
        ("A[]", [(False, "A", "A"), (True, "", "")]),
        ("A[b[c]]", [(False, "A", "A"), (True, "B[C]", "b[c]")]),
        ("Straße", [(False, "STRAßE", "Straße")]),
        ("My name", [(False, "MY NAME", "My name")]),
        ("A[#{b}]", None),
        ("A..B", [(False, "A", "A")]),
        ("", None),
        ("#", None),
    ],
)
def test_names_are_paths(name: str, expected: list[tuple[bool, str, str]] | None) -> None:
    found = path_of(name)
    assert (None if found is None else list(found)) == expected


@given(st.text(alphabet='aZ0_-:/~()@.[] #{}|"\\ßé\x85', max_size=20))
def test_every_name_is_read_as_the_reader_reads_it(name: str) -> None:
    symbol = parse_name(name)
    found = path_of(name)
    if symbol is None:
        assert found is None
        return
    assert found is not None
    for step, (is_index, key, text) in zip(symbol.steps, found, strict=True):
        assert isinstance(step, Index if is_index else Identifier)
        assert step.text == text
        assert key == fold(text)
