"""Read and write the configuration files that are changed in place."""

import re
from dataclasses import replace

from agent.runtime.behaviours.configuration.targets import Target
from agent.runtime.behaviours.context import Context
from agent.runtime.behaviours.text_files import (
    TextFile,
    decode,
    decode_xml,
    encode,
    replace_content,
)
from agent.runtime.documents.common import MAX_CHARACTERS, BrokenDocument

_DECLARATION = re.compile(r"(<\?xml[^>]*?\sencoding\s*=\s*[\"'])[^\"']*")


def read_bytes(target: Target) -> bytes:
    """Return the content; raise BrokenDocument for a file beyond the limit."""
    if target.path.stat().st_size > MAX_CHARACTERS:
        raise BrokenDocument(f"it is larger than {MAX_CHARACTERS} bytes")
    return target.path.read_bytes()


def as_text(data: bytes, *, is_xml: bool) -> TextFile:
    """Return the text; raise BrokenDocument for an encoding that is not known."""
    try:
        return decode_xml(data) if is_xml else decode(data)
    except LookupError as error:
        raise BrokenDocument(f"it declares the encoding {error}, which is not known") from error


def write_text(
    context: Context, target: Target, file: TextFile, before: bytes, *, is_xml: bool
) -> None:
    """Write the text in the encoding that it was read in, or as UTF-8 where it does not fit."""
    data, fitted = encode(file)
    if not fitted:
        context.output.warning(
            f"{target.shown} is now stored as UTF-8: its text does not fit {file.encoding}"
        )
        if is_xml:
            text = _DECLARATION.sub(r"\g<1>utf-8", file.text, count=1)
            data, _ = encode(replace(file, text=text, encoding="utf-8", mark=b""))
    if data != before:
        replace_content(target.path, data)
