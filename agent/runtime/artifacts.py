"""Brings the files that scripts handed over to the server, piece by piece."""

import asyncio
import json
import logging
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from agent.contracts import limits
from agent.runtime.http import Endpoint, HttpError, request_json
from agent.runtime.runner.keep import FOLDER, INDEX

_log = logging.getLogger("tentacle")
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


class ArtifactUploads:
    """Sends the artifacts of commands over HTTPS; what was sent already is not sent again."""

    def __init__(self, endpoint: Endpoint, credential: str) -> None:
        self._endpoint = endpoint
        self._headers = {"Authorization": f"Bearer {credential}"}

    def waiting(self, cmd_dir: Path) -> list[tuple[int, str]]:
        """Return numbers and names of what a command's folder still has to give."""
        try:
            lines = (cmd_dir / FOLDER / INDEX).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return []
        return [found for line in lines for found in _entry(line, cmd_dir / FOLDER)]

    async def deliver(
        self, command_id: str, cmd_dir: Path, stopped: Callable[[], bool]
    ) -> list[str]:
        """Send all; return a sentence for each that could not be stored."""
        problems = []
        give_up = time.monotonic() + limits.ARTIFACT_PATIENCE
        for number, name in self.waiting(cmd_dir):
            path = f"/agent/v1/commands/{command_id}/artifacts/{number}"
            file = cmd_dir / FOLDER / str(number)
            try:
                await self._send(path, file, name, give_up, stopped)
            except (HttpError, OSError) as problem:
                problems.append(f"The artifact {name} could not be stored: {problem}")
                _log.warning("an artifact of command %s is lost: %s", command_id, problem)
            file.unlink(missing_ok=True)
        return problems

    async def _send(
        self, path: str, file: Path, name: str, give_up: float, stopped: Callable[[], bool]
    ) -> None:
        attempt = 0
        while not await self._try(path, file, name, give_up, stopped):
            attempt += 1
            pause = min(limits.RECONNECT_MAX, limits.RECONNECT_BASE * 2**attempt)
            await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 spreads a herd, no secret

    async def _try(
        self, path: str, file: Path, name: str, give_up: float, stopped: Callable[[], bool]
    ) -> bool:
        """Go on from where the server is; False when it may go better later."""
        if stopped():
            raise HttpError(0, "the command was cancelled")
        try:
            await asyncio.to_thread(self._rest, path, file, name)
        except HttpError as problem:
            lasting = problem.status not in (0, _TOO_MANY_REQUESTS)
            if (lasting and problem.status < _SERVER_ERROR) or give_up < time.monotonic():
                raise
            return False
        return True

    def _rest(self, path: str, file: Path, name: str) -> None:
        total = file.stat().st_size
        with file.open("rb") as source:
            received, is_stored = self._held("GET", path, self._headers)
            while not is_stored:
                start = source.seek(min(total, received))
                piece = source.read(min(limits.ARTIFACT_PIECE, total - start))
                span = f"{start}-{start + len(piece) - 1}" if piece else "*"
                headers = {
                    **self._headers,
                    "Content-Type": "application/octet-stream",
                    "Content-Range": f"bytes {span}/{total}",
                    "X-Octopus-File-Name": quote(name),
                }
                received, is_stored = self._held("PUT", path, headers, piece)

    def _held(
        self, method: str, path: str, headers: dict[str, str], piece: bytes | None = None
    ) -> tuple[int, bool]:
        """Return how much the server has, and whether that is all and stored."""
        answer = request_json(self._endpoint, method, path, headers, piece)
        try:
            return int(answer["received"]), bool(answer["stored"])
        except (KeyError, TypeError, ValueError) as problem:
            raise HttpError(200, "the answer does not say what was received") from problem


def _entry(line: str, folder: Path) -> Iterator[tuple[int, str]]:
    """Read one line of the index; half a line, or a file that was sent, gives nothing."""
    try:
        values = json.loads(line)
        number, name = int(values["number"]), str(values["name"])
    except (ValueError, KeyError, TypeError):
        return
    if (folder / str(number)).exists():
        yield number, name
