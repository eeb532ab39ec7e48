"""Everything a command says: masked output bytes, the runner's own lines, and records."""

import json
from typing import Any

from agent.contracts.masking import Masker, Secrets
from agent.contracts.spool import MAX_PAYLOAD, RECORD, STDERR, STDOUT, SpoolWriter

DEFAULT_LEVELS = {STDOUT: "info", STDERR: "error"}
STREAM_NAMES = {STDOUT: "stdout", STDERR: "stderr"}
MAX_RECORDS = 64 * 1024 * 1024


def fits(record: dict[str, Any]) -> bool:
    """Tell whether the record fits into one frame."""
    return len(_encode(record)) <= MAX_PAYLOAD


def _encode(record: dict[str, Any]) -> bytes:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


class Output:
    """Write to the spool; never raise because of a full disk, a full spool or a bad mask.

    `omitted` counts output bytes that were left out, `lost_records` records that were.
    """

    def __init__(self, spool: SpoolWriter, secrets: Secrets, cap: int) -> None:
        self._spool = spool
        self.secrets = secrets
        self._cap = cap
        self._masks = {STDOUT: Masker(secrets), STDERR: Masker(secrets)}
        self._levels = dict(DEFAULT_LEVELS)
        self._open_lines = {STDOUT: False, STDERR: False}
        self._output_bytes = 0
        self._record_bytes = 0
        self._broken: OSError | None = None
        self._mask_failures = 0
        self.omitted = 0
        self.lost_records = 0
        self.error_bytes = 0

    def write(self, stream: int, data: bytes) -> None:
        """Take bytes of a script."""
        if stream == STDERR and self._levels[STDERR] == "error":
            self.error_bytes += len(data)
        self._masked(stream, data, final=False)

    def level(self, stream: int, level: str) -> None:
        """Switch the level of the bytes that follow on a stream."""
        if self._levels[stream] != level:
            self._levels[stream] = level
            self.record({"t": "level", "stream": STREAM_NAMES[stream], "level": level})

    def end_of_script(self) -> None:
        """Release what was held back and return to the default levels."""
        for stream, level in DEFAULT_LEVELS.items():
            self._masked(stream, b"", final=True)
            self.level(stream, level)

    def verbose(self, text: str) -> None:
        self._say("verbose", text)

    def info(self, text: str) -> None:
        self._say("info", text)

    def warning(self, text: str) -> None:
        self._say("warning", text)

    def error(self, text: str) -> None:
        self._say("error", text)

    def notice(self, message: str) -> None:
        """Record a warning without touching the streams, while a script is running."""
        self.record({"t": "warning", "message": self.secrets.mask(message)})

    def phase(self, name: str, state: str) -> None:
        """Record that a phase started, succeeded or failed."""
        self.record({"t": "phase", "name": name, "state": state})

    def record(self, record: dict[str, Any]) -> None:
        """Append a record, which the caller has masked or sealed."""
        data = _encode(record)
        too_much = self._record_bytes + len(data) > MAX_RECORDS
        if len(data) > MAX_PAYLOAD or too_much or not self._append(RECORD, data):
            self.lost_records += 1
            return
        self._record_bytes += len(data)

    def finish(self) -> None:
        """Say what was left out."""
        self.end_of_script()
        if self._broken is not None:
            failure, self._broken = self._broken, None
            self.notice(f"{self.omitted} bytes of output could not be stored: {failure.strerror}.")
        elif self.omitted:
            self.notice(
                f"The output is longer than {self._cap} bytes; "
                f"{self.omitted} bytes of it were left out."
            )
        if self._mask_failures:
            self.notice(
                f"{self._mask_failures} pieces of output were left out, because masking failed."
            )

    def _say(self, level: str, text: str) -> None:
        text = self.secrets.mask(text.rstrip("\n"))
        if self._open_lines[STDOUT]:
            self._store(STDOUT, b"\n")
        before = self._levels[STDOUT]
        self.level(STDOUT, level)
        self._store(STDOUT, text.encode("utf-8", "replace") + b"\n")
        self.level(STDOUT, before)

    def _masked(self, stream: int, data: bytes, *, final: bool) -> None:
        mask = self._masks[stream]
        try:
            safe = mask.feed(data)
            if final:
                safe += mask.flush()
        except Exception:  # noqa: BLE001 (what cannot be masked must not be shown)
            self._masks[stream] = Masker(self.secrets)
            self._mask_failures += 1
            self.omitted += len(data)
            return
        if safe and self._levels[stream] != "ignore":
            self._store(stream, safe)

    def _store(self, stream: int, data: bytes) -> None:
        room = self._cap - self._output_bytes
        kept = data if len(data) <= room else data[: max(room, 0)]
        if kept and not self._append(stream, kept):
            self.omitted += len(data)
            return
        self._output_bytes += len(kept)
        if kept:
            self._open_lines[stream] = not kept.endswith(b"\n")
        if len(kept) < len(data):
            if not self.omitted:
                self.notice(f"The output limit of {self._cap} bytes is reached.")
            self.omitted += len(data) - len(kept)

    def _append(self, stream: int, data: bytes) -> bool:
        if self._broken is not None and stream != RECORD:
            return False
        try:
            self._spool.write(stream, data)
        except OSError as error:
            self._broken = error
            return False
        return True
