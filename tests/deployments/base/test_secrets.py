"""Secrets at rest."""

import pytest

from deployments.base.secrets import Secret, SecretBox, SecretUnreadable, open_text, seal_text

BOX = SecretBox(b"k" * 32)


def test_what_is_sealed_opens_at_its_place_only() -> None:
    sealed = BOX.seal("pässword", place="table.column.1")
    assert BOX.open(sealed, place="table.column.1").reveal() == "pässword"
    with pytest.raises(SecretUnreadable):
        BOX.open(sealed, place="table.column.2")


def test_the_same_text_never_looks_the_same() -> None:
    assert BOX.seal("x", place="p") != BOX.seal("x", place="p")


@pytest.mark.parametrize("position", [1, 12, 13, -1])
def test_altered_bytes_do_not_open(position: int) -> None:
    sealed = bytearray(BOX.seal("text", place="p"))
    sealed[position] ^= 1
    with pytest.raises(SecretUnreadable):
        BOX.open(bytes(sealed), place="p")


def test_another_key_does_not_open() -> None:
    with pytest.raises(SecretUnreadable, match="master key"):
        SecretBox(b"j" * 32).open(BOX.seal("x", place="p"), place="p")


def test_a_secret_prints_as_asterisks() -> None:
    secret = Secret("hush")
    assert "hush" not in f"{secret} {secret!r} {[secret]}"


def test_texts_for_documents() -> None:
    sealed = seal_text("hush", place="p")
    assert sealed.isascii()
    assert open_text(sealed, place="p").reveal() == "hush"
