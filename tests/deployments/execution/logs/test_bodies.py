"""What is stored of a chunk gives back exactly its frames, and a long text takes less room."""

import random

import pytest

from agent.contracts.spool import STDERR, STDOUT, encode_frame
from deployments.execution.logs.bodies import pack_body, unpack_body

LINE = b"2026-03-04 10:00:00 INFO compiled module %d of the program\n"
TEXT = b"".join(LINE % number for number in range(1000))
NOISE = random.Random(1).randbytes(60_000)


@pytest.mark.parametrize(
    ("frames", "at_most"),
    [
        (b"", 1.0),
        (encode_frame(STDOUT, 1, b"hi\n"), 1.0),
        (encode_frame(STDERR, 2, TEXT[:8000]), 1.0),
        (encode_frame(STDOUT, 3, TEXT), 0.2),
        (encode_frame(STDOUT, 4, NOISE), 1.0),
        (encode_frame(STDOUT, 5, NOISE) + encode_frame(STDERR, 6, TEXT), 0.6),
    ],
)
def test_bodies_come_back(frames: bytes, at_most: float) -> None:
    stored = pack_body(frames)
    assert unpack_body(stored) == frames
    assert len(stored) <= len(frames) * at_most


def test_few_bytes_are_stored_as_they_are() -> None:
    few = encode_frame(STDOUT, 1, TEXT[:8000])
    assert pack_body(few) == few
