"""Sealing: round trips, wrong keys, every changed byte."""

from secrets import token_bytes

import pytest

from agent.contracts.sealing import SealBroken, seal, seal_text, unseal, unseal_text


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 1000, 100_000])
def test_round_trip(size: int) -> None:
    key, plain = token_bytes(32), bytes(index % 251 for index in range(size))
    sealed = seal(key, plain)
    assert unseal(key, sealed) == plain
    assert size < 8 or plain not in sealed


def test_text_round_trip_and_fresh_nonce() -> None:
    key = token_bytes(32)
    first, second = seal_text(key, "pässwörd \U0001f419"), seal_text(key, "pässwörd \U0001f419")
    assert first != second
    assert unseal_text(key, first) == unseal_text(key, second) == "pässwörd \U0001f419"


def test_every_changed_byte_is_found() -> None:
    key = token_bytes(32)
    sealed = seal(key, b"secret value")
    for index in range(len(sealed)):
        changed = bytearray(sealed)
        changed[index] ^= 1
        with pytest.raises(SealBroken):
            unseal(key, bytes(changed))
    with pytest.raises(SealBroken):
        unseal(key, sealed[:-1])
    with pytest.raises(SealBroken):
        unseal(token_bytes(32), sealed)
    with pytest.raises(SealBroken):
        unseal(key, sealed, b"other context")
    with pytest.raises(SealBroken):
        unseal_text(key, "not base64!")


def test_key_size_is_checked() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        seal(b"short", b"x")
