"""The second masking: secrets across frames, what is held back, what records may say."""

import json
import random
from itertools import pairwise

import pytest

from agent.contracts.masking import MASK, Masker, Secrets
from agent.contracts.spool import RECORD, STDERR, STDOUT, Frame
from deployments.execution.logs.masked import Masked, mask_frames


def secrets_of(*values: str) -> Secrets:
    secrets = Secrets()
    for value in values:
        secrets.add(value)
    return secrets


def frames_of(*parts: tuple[int, bytes], offset: int = 0) -> list[Frame]:
    frames = []
    for stream, payload in parts:
        frames.append(Frame(stream, 7, offset, payload))
        offset += len(payload)
    return frames


def shown(masked: Masked) -> bytes:
    return b"".join(piece.payload for piece in masked.pieces)


def raw_length(masked: Masked) -> int:
    return sum(piece.raw_length for piece in masked.pieces)


def test_a_secret_in_two_frames_is_masked_and_both_lengths_count_raw_bytes() -> None:
    frames = frames_of((STDOUT, b"the pass"), (STDOUT, b"word is out\n"))
    masked = mask_frames(frames, secrets_of("password"))
    assert [piece.payload for piece in masked.pieces] == [b"the ********", b" is out\n"]
    assert [piece.raw_length for piece in masked.pieces] == [8, 12]


def test_a_possible_beginning_at_the_end_is_held_back_until_it_is_decided() -> None:
    secrets = secrets_of("password")
    first = mask_frames(frames_of((STDOUT, b"a pass")), secrets, is_final=False)
    assert (shown(first), raw_length(first)) == (b"a ", 2)
    assert [(frame.offset, frame.payload) for frame in first.held] == [(2, b"pass")]
    rest = [*first.held, *frames_of((STDOUT, b"word\n"), offset=6)]
    assert shown(mask_frames(rest, secrets, is_final=False)) == MASK + b"\n"
    assert shown(mask_frames(first.held, secrets, is_final=True)) == b"pass"


def test_another_stream_decides_that_nothing_follows() -> None:
    frames = frames_of((STDOUT, b"a pass"), (STDERR, b"oops\n"))
    masked = mask_frames(frames, secrets_of("password"), is_final=False)
    assert (shown(masked), masked.held) == (b"a passoops\n", ())


def test_records_stay_whole_and_only_their_free_texts_are_masked() -> None:
    secrets = secrets_of("level", "s3cr3t")
    level = json.dumps({"t": "level", "stream": "stdout", "level": "info"}).encode()
    warning = json.dumps({"t": "warning", "message": "the s3cr3t"}).encode()
    masked = mask_frames(frames_of((RECORD, level), (RECORD, warning)), secrets)
    records = [json.loads(piece.payload) for piece in masked.pieces]
    assert records[0] == {"t": "level", "stream": "stdout", "level": "info"}
    assert records[1] == {"t": "warning", "message": "the ********"}
    assert raw_length(masked) == len(level) + len(warning)


def test_without_the_secrets_the_bytes_count_and_nothing_is_kept() -> None:
    masked = mask_frames(frames_of((STDOUT, b"who knows\n")), None, is_final=False)
    assert (shown(masked), raw_length(masked), masked.held) == (b"", 10, ())


@pytest.mark.parametrize("seed", range(40))
def test_any_cut_into_frames_and_commits_gives_what_one_piece_gives(seed: int) -> None:
    chance = random.Random(seed)
    values = ["".join(chance.choices("ab", k=chance.randint(4, 9))) for _ in range(4)]
    text = "".join(chance.choices("abc", k=300)).encode()
    whole = Masker(secrets_of(*values))
    expected = whole.feed(text) + whole.flush()
    stored, length, covered = b"", 0, 0
    while length < len(text):
        end = min(len(text), length + chance.randint(1, 40))
        cuts = sorted({length, end, *(chance.randint(length, end) for _ in range(3))})
        parts = [(STDOUT, text[a:b]) for a, b in pairwise(cuts)]
        masked = mask_frames(
            frames_of(*parts, offset=length),
            secrets_of(*values),
            covered=covered,
            is_final=end == len(text),
        )
        stored += shown(masked)
        length += raw_length(masked)
        covered = masked.covered
    assert stored == expected
