"""Mask sensitive values in a stream of bytes, also where a read cuts one in two."""

import base64
import json
from urllib.parse import quote

MASK = b"********"
MINIMUM_LENGTH = 4
_MINIMUM_ENCODED = 5
_MINIMUM_LINE = 8
_WRAPS = (64, 76)


class Secrets:
    """The byte forms in which sensitive values may show up in output."""

    def __init__(self) -> None:
        self.forms: list[bytes] = []
        self._known: set[bytes] = set()

    def add(self, value: str) -> bool:
        """Take in a value; return False if it is too short to be masked."""
        core = value.strip()
        if len(core) < MINIMUM_LENGTH:
            return not core
        for form in _forms_of(core):
            if form not in self._known:
                self._known.add(form)
                self.forms.append(form)
        return True

    def hides(self, text: str) -> bool:
        """Tell whether the text contains a known secret."""
        data = text.encode("utf-8", "replace")
        return any(form in data for form in self.forms)

    def spans(self, data: bytes, covered: int = 0) -> list[tuple[int, int]]:
        """Return where secrets are, in order and merged; the first `covered` bytes are of one."""
        found = [(0, covered)] if covered else []
        for form in self.forms:
            at = data.find(form)
            while at >= 0:
                found.append((at, at + len(form)))
                at = data.find(form, at + 1)
        found.sort()
        merged: list[tuple[int, int]] = []
        for start, end in found:
            if merged and start < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged

    def safe_end(self, data: bytes) -> int:
        """Return the first position from which the rest could still grow into a secret."""
        cut = len(data)
        for form in self.forms:
            first = form[:1]
            at = data.find(first, max(0, len(data) - len(form) + 1))
            while 0 <= at < cut:
                if form.startswith(data[at:]):
                    cut = at
                    break
                at = data.find(first, at + 1)
        return cut

    def mask(self, text: str) -> str:
        """Return the text with every known secret masked."""
        masker = Masker(self)
        data = masker.feed(text.encode("utf-8", "replace")) + masker.flush()
        return data.decode("utf-8", "replace")


class Masker:
    """Mask one stream; hold back what may be the beginning of a secret."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._held = b""
        self._covered = 0

    def feed(self, data: bytes) -> bytes:
        """Return what is safe to show now."""
        if not self._secrets.forms and not self._held:
            return data
        whole = self._held + data
        return self._release(whole, self._secrets.safe_end(whole))

    def flush(self) -> bytes:
        """Return what was held back, at the end of the stream."""
        return self._release(self._held, len(self._held))

    def _release(self, data: bytes, cut: int) -> bytes:
        """Emit data[:cut]; a span across the cut is masked now and remembered as covered."""
        spans = self._secrets.spans(data, self._covered)
        shown, covered = mask_part(data, 0, cut, spans, is_covered=self._covered > 0)
        self._held, self._covered = data[cut:], covered
        return shown


def mask_part(
    data: bytes, begin: int, end: int, spans: list[tuple[int, int]], *, is_covered: bool = False
) -> tuple[bytes, int]:
    """Return data[begin:end] with the spans masked, and how far the last one reaches beyond.

    A span shows one mask, where it begins; `is_covered` says that the one at 0 had begun before.
    """
    parts: list[bytes] = []
    position, reaches = begin, end
    for first, last in spans:
        goes_on = is_covered and first == 0
        if first >= end and not goes_on:
            break
        if last <= begin:
            continue
        parts.append(data[position:first])
        if first >= begin and not goes_on:
            parts.append(MASK)
        position, reaches = min(last, end), max(last, end)
    parts.append(data[position:end])
    return b"".join(parts), reaches - end


def _forms_of(value: str) -> list[bytes]:
    texts = [value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]]
    texts += [quote(value, safe=""), value.replace("'", "'\\''")]
    lines = [line.strip() for line in value.splitlines()]
    if len(lines) > 1:
        texts.append(value.replace("\r\n", "\n"))
        texts.append(value.replace("\r\n", "\n").replace("\n", "\r\n"))
        texts += [line for line in lines if len(line) >= _MINIMUM_LINE]
    raw = value.encode("utf-8", "surrogateescape")
    return [text.encode("utf-8", "surrogateescape") for text in texts] + _base64_forms(raw)


def _base64_forms(raw: bytes) -> list[bytes]:
    """Return the base64 of `raw` at each alignment, cut to what depends on it alone."""
    forms = []
    for shift, skipped in ((0, 0), (1, 2), (2, 3)):
        padded = bytes(shift) + raw
        end = len(padded) * 8 // 6
        forms.append(base64.b64encode(padded)[skipped:end])
        forms.append(base64.urlsafe_b64encode(padded)[skipped:end])
    plain = forms[0]
    forms += [
        b"\n".join(plain[at : at + width] for at in range(0, len(plain), width))
        for width in _WRAPS
        if len(plain) > width
    ]
    return [form for form in forms if len(form) >= _MINIMUM_ENCODED]
