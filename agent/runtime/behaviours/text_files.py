"""Read and write text files without changing their encoding, byte order mark or newlines."""

import codecs
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

_FALLBACK = "cp1252"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z][A-Za-z0-9._-]*)[\"']")
# Encodings of names, of other encodings, or with marks of their own.
_NOT_OF_FILES = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf-7"}


@dataclass(frozen=True, slots=True)
class TextFile:
    """The text of a file and how it was stored."""

    text: str
    encoding: str
    mark: bytes


def _undefined_byte(error: UnicodeError) -> tuple[str | bytes, int]:
    """Carry the few bytes that windows-1252 does not define through as they are."""
    if isinstance(error, UnicodeDecodeError):
        return error.object[error.start : error.end].decode("latin-1"), error.end
    if isinstance(error, UnicodeEncodeError):
        text = error.object[error.start : error.end]
        if all("\x80" <= char <= "\x9f" for char in text):
            return text.encode("latin-1"), error.end
    raise error


codecs.register_error("octopus-undefined", _undefined_byte)


def decode(data: bytes) -> TextFile:
    """Decode by byte order mark, else as UTF-8, else as windows-1252, which always works."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return TextFile(data[len(mark) :].decode(encoding), encoding, mark)
            except UnicodeDecodeError:
                break
    try:
        return TextFile(data.decode("utf-8"), "utf-8", b"")
    except UnicodeDecodeError:
        return TextFile(data.decode(_FALLBACK, "octopus-undefined"), _FALLBACK, b"")


def declared_encoding(data: bytes) -> str:
    """Return the encoding that an XML declaration names, "" for none."""
    for codec, start in (("utf-16-le", b"<\0?\0"), ("utf-16-be", b"\0<\0?")):
        if data.startswith(start):
            return codec
    found = _DECLARED.match(data)
    return found[1].decode("ascii") if found else ""


def decode_xml(data: bytes) -> TextFile:
    """Decode by byte order mark, else by the declared encoding, else as any text.

    Raise LookupError for an encoding that is not known.
    """
    name = declared_encoding(data)
    if not name or data.startswith(tuple(mark for mark, _ in _MARKS)):
        return decode(data)
    codec = text_codec(name)
    if codec is None:
        raise LookupError(name)
    try:
        return TextFile(data.decode(codec), codec, b"")
    except UnicodeDecodeError:
        return decode(data)


def is_binary(data: bytes) -> bool:
    """Tell whether the bytes are no text: NUL characters without a byte order mark."""
    return b"\0" in data and not data.startswith(tuple(mark for mark, _ in _MARKS))


def encode(file: TextFile) -> tuple[bytes, bool]:
    """Return the bytes and whether the encoding fitted; if not, it is UTF-8 without a mark."""
    handler = "octopus-undefined" if file.encoding == _FALLBACK else "strict"
    try:
        return file.mark + file.text.encode(file.encoding, handler), True
    except UnicodeEncodeError:
        return file.text.encode("utf-8", "surrogatepass"), False


def named_encoding(name: str) -> tuple[str, bytes] | None:
    """Return codec and byte order mark for an encoding's name, None for an unknown one."""
    plain = name.strip().lower()
    marks = {
        "utf-8": ("utf-8", codecs.BOM_UTF8),
        "utf-16": ("utf-16-le", codecs.BOM_UTF16_LE),
        "unicode": ("utf-16-le", codecs.BOM_UTF16_LE),
        "utf-16be": ("utf-16-be", codecs.BOM_UTF16_BE),
        "unicodefffe": ("utf-16-be", codecs.BOM_UTF16_BE),
        "utf-32": ("utf-32-le", codecs.BOM_UTF32_LE),
    }
    if plain in marks:
        return marks[plain]
    codec = text_codec(plain)
    return None if codec is None else (codec, b"")


def text_codec(name: str) -> str | None:
    """Return the codec for an encoding's name; None for an unknown one, or one not of texts."""
    try:
        codec = codecs.lookup(name)
        "a".encode(codec.name)
    except (LookupError, UnicodeError, ValueError):
        return None
    return None if codec.name in _NOT_OF_FILES else codec.name


def replace_content(path: Path, data: bytes) -> None:
    """Replace a file's content atomically, keeping its permissions."""
    mode = path.stat().st_mode & 0o7777
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".octopus-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
