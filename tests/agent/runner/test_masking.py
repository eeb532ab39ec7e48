"""Masking: every form, every cut between reads, overlapping secrets, short values."""

import base64
import json
import random
from urllib.parse import quote

import pytest

from agent.contracts.masking import MASK, Masker, Secrets


def secrets_of(*values: str) -> Secrets:
    secrets = Secrets()
    for value in values:
        secrets.add(value)
    return secrets


def mask_in_pieces(secrets: Secrets, pieces: list[bytes]) -> bytes:
    masker = Masker(secrets)
    return b"".join(masker.feed(piece) for piece in pieces) + masker.flush()


def test_every_cut_between_two_and_three_reads() -> None:
    secrets = secrets_of("s3cr3t-value", "other secret")
    text = b"before s3cr3t-value middle other secret after s3cr3t-valu"
    expected = b"before ******** middle ******** after s3cr3t-valu"
    for first in range(len(text) + 1):
        for second in range(first, len(text) + 1):
            pieces = [text[:first], text[first:second], text[second:]]
            assert mask_in_pieces(secrets, pieces) == expected


def test_nothing_is_held_without_reason() -> None:
    masker = Masker(secrets_of("password"))
    assert masker.feed(b"a line\n") == b"a line\n"
    assert masker.feed(b"a pass") == b"a "
    assert masker.feed(b"ing thought\n") == b"passing thought\n"


def test_overlapping_and_endless_secrets_keep_memory_bounded() -> None:
    secrets = secrets_of("aaaa")
    masker = Masker(secrets)
    shown = b"".join(masker.feed(b"a" * 1000) for _ in range(50))
    shown += masker.feed(b"b") + masker.flush()
    assert shown == MASK + b"b"
    assert len(masker._held) == 0
    assert mask_in_pieces(secrets_of("abcabc", "bcxyz"), [b"-abcabcx", b"yz-"]) == b"-********-"


@pytest.mark.parametrize("seed", range(30))
def test_random_cuts_give_what_one_read_gives(seed: int) -> None:
    chance = random.Random(seed)
    values = ["".join(chance.choices("ab", k=chance.randint(4, 9))) for _ in range(4)]
    secrets = secrets_of(*values)
    text = "".join(chance.choices("abc", k=400)).encode()
    whole = mask_in_pieces(secrets, [text])
    pieces, at = [], 0
    while at < len(text):
        size = chance.randint(1, 12)
        pieces.append(text[at : at + size])
        at += size
    cut = mask_in_pieces(secrets, pieces)
    assert cut == whole
    assert not any(value.encode() in whole for value in values)


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_base64_at_every_alignment(before: str) -> None:
    secret = "correct horse battery"
    encoded = base64.b64encode((before + secret + "!").encode())
    shown = mask_in_pieces(secrets_of(secret), [encoded])
    assert MASK in shown
    assert len(shown) - len(MASK) <= 8


def test_long_base64_in_lines() -> None:
    secret = "".join(chr(33 + index % 90) for index in range(300))
    encoded = base64.encodebytes(secret.encode())
    shown = mask_in_pieces(secrets_of(secret), [encoded])
    assert len(shown) < 20


@pytest.mark.parametrize(
    "form",
    [
        json.dumps('quo"te\\back\nline é')[1:-1],
        json.dumps('quo"te\\back\nline é', ensure_ascii=False)[1:-1],
        quote('quo"te\\back\nline é', safe=""),
        'quo"te\\back\r\nline é',
        'quo"te\\back',
    ],
)
def test_escaped_forms(form: str) -> None:
    shown = secrets_of('quo"te\\back\nline é').mask(f"<{form}>")
    assert shown == "<********>"


def test_shell_quoting_of_traces() -> None:
    assert secrets_of("it's me").mask("+ echo 'it'\\''s me'") == "+ echo '********'"


def test_surrounding_whitespace_does_not_matter() -> None:
    assert secrets_of(" secret\n").mask("a secret b") == "a ******** b"


def test_short_values_are_refused() -> None:
    secrets = Secrets()
    assert not secrets.add("abc")
    assert secrets.add("")
    assert secrets.add("abcd")
    assert secrets.mask("abc abcd") == "abc ********"
