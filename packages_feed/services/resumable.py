"""Uploads that come in pieces and go on after a broken line.

Nothing of one is in the database: what it is to become is signed in its id, what has come is a file
of the spool folder, which the sweep deletes when nobody has gone on with it for a day.
"""

import errno
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID, uuid4

from django.core import signing

from agent.versions import InvalidFileName, parse_file_name
from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Conflict, Invalid, NotFound
from deployments.base.models import Space
from packages_feed.ingest import TooLarge, current_limits, hash_file
from packages_feed.ingest.inspect import NUPKG
from packages_feed.ingest.limits import readable
from packages_feed.models import PackageVersion
from packages_feed.queries import find_version
from packages_feed.services.permissions import require_somewhere
from packages_feed.services.store import (
    AlreadyExists,
    Outcome,
    OverwriteMode,
    Stored,
    store_package,
)
from packages_feed.storage import StorageFailed, package_storage
from packages_feed.storage.base import is_sha256

_SALT: Final = "packages_feed.resumable"
_KEPT_S: Final = 24 * 3600
_LONGEST_NAME: Final = 255


@dataclass(frozen=True, slots=True)
class ResumableUpload:
    """What was said when it began; `number` names its file."""

    number: str
    space: int
    actor: str
    name: str
    size: int
    mode: str
    sha256: str

    @property
    def id(self) -> str:
        """The id for addresses, which nobody but the server can make."""
        return signing.dumps(asdict(self), salt=_SALT, compress=True)


class WrongPlace(Conflict):
    """A piece does not begin where the last one ended; `received` bytes are here."""

    def __init__(self, received: int) -> None:
        super().__init__(f"The next piece must begin at {received}, where the last one ended.")
        self.received = received


def begin_upload(
    *,
    actor: Actor,
    space: Space,
    name: str,
    size: int,
    overwrite_mode: OverwriteMode | str = OverwriteMode.FAIL,
    sha256: str = "",
) -> ResumableUpload:
    """Return a new upload of a file of that name and size.

    What can be refused before any byte has come is. Raises NotPermitted, Invalid, TooLarge and
    AlreadyExists.
    """
    require_somewhere(actor, space, Permission.BuiltInFeedPush)
    mode, most = OverwriteMode.parse(overwrite_mode), current_limits().package
    if size > most:
        raise TooLarge(f"The package is larger than {readable(most)}.")
    if size <= 0:
        raise Invalid("The package is empty.")
    if sha256 and not is_sha256(sha256):
        raise Invalid("Sha256 must be 64 lower-case hex digits.")
    name = name.replace("\\", "/").rpartition("/")[2]
    if not name or len(name) > _LONGEST_NAME:
        raise Invalid(f"The file needs a name of at most {_LONGEST_NAME} characters.")
    if not name.lower().endswith(NUPKG):
        _check_name(space, name, mode)
    return ResumableUpload(uuid4().hex, space.pk, actor.public_id, name, size, str(mode), sha256)


def _check_name(space: Space, name: str, mode: OverwriteMode) -> None:
    try:
        named = parse_file_name(name)
    except InvalidFileName as error:
        raise Invalid(str(error)) from error
    existing = find_version(space, named.package_id, named.version.original)
    if existing is not None and mode is OverwriteMode.FAIL:
        raise AlreadyExists(existing, same_bytes=False)


def find_upload(actor: Actor, space: Space, text: str) -> ResumableUpload:
    """Return the upload that the actor has begun in the space; raises NotFound."""
    try:
        upload = ResumableUpload(**signing.loads(text, salt=_SALT, max_age=_KEPT_S * 7))
        UUID(upload.number)
    except (signing.BadSignature, TypeError, ValueError) as error:
        raise NotFound("There is no such upload, or it was given up. Begin it again.") from error
    if (upload.space, upload.actor) != (space.pk, actor.public_id):
        raise NotFound("There is no such upload.")
    return upload


def received(upload: ResumableUpload) -> int:
    """Return how many bytes are here."""
    path = _pieces(upload)
    return path.stat().st_size if path.exists() else 0


def receive_piece(upload: ResumableUpload, *, start: int, pieces: Iterable[bytes]) -> int:
    """Append a piece; returns how many bytes are here now.

    What has come before a line broke stays. Raises WrongPlace unless it begins where the last one
    ended, Invalid for more bytes than were announced, Conflict while another piece comes.
    """
    with _locked(_pieces(upload)) as file:
        here = file.seek(0, os.SEEK_END)
        if start != here:
            raise WrongPlace(here)
        try:
            for piece in pieces:
                if here + len(piece) > upload.size:
                    file.truncate(start)
                    raise Invalid(f"More bytes came than the {upload.size} that were announced.")
                file.write(piece)
                here += len(piece)
            file.flush()
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise StorageFailed("The server has no room left for the package.") from error
    return here


def complete_upload(
    *, actor: Actor, space: Space, upload: ResumableUpload, clock: Clock = utc_now
) -> Stored:
    """Check the whole file and add it to the feed; asked again, it answers the same again.

    Of a refused file nothing stays. Raises Conflict while bytes are missing, Invalid for another
    SHA-256 than was announced, and what `store_package` raises.
    """
    if (done := _done(space, upload)) is not None:
        return done
    path = _pieces(upload)
    if (here := received(upload)) != upload.size:
        raise Conflict(f"{here} of {upload.size} bytes are here; send the rest first.")
    with _locked(path):
        try:
            spooled = hash_file(path)
            if upload.sha256 not in {"", spooled.sha256}:
                raise Invalid("The file has another SHA-256 than was announced.")
            stored = store_package(
                actor=actor,
                space=space,
                file=spooled,
                file_name=upload.name,
                overwrite_mode=upload.mode,
                clock=clock,
            )
        except StorageFailed:
            raise  # asked again, it may succeed
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        _note_done(upload, stored)
        path.unlink(missing_ok=True)
    return stored


def abandon_upload(upload: ResumableUpload) -> None:
    """Delete what has come."""
    _pieces(upload).unlink(missing_ok=True)


def _pieces(upload: ResumableUpload) -> Path:
    return package_storage().spool_folder / f"pieces-{UUID(upload.number).hex}"


def _marker(upload: ResumableUpload) -> Path:
    return package_storage().spool_folder / f"done-{UUID(upload.number).hex}"


def _note_done(upload: ResumableUpload, stored: Stored) -> None:
    _marker(upload).write_text(json.dumps([stored.version.pk, str(stored.outcome)]))


def _done(space: Space, upload: ResumableUpload) -> Stored | None:
    try:
        number, outcome = json.loads(_marker(upload).read_text())
    except FileNotFoundError:
        return None
    version = PackageVersion.objects.in_space(space).filter(pk=number).first()
    if version is None:
        raise NotFound("The package was stored, and deleted since.")
    return Stored(version, Outcome(outcome))


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """Open the file for one request at a time, of whichever process; raises Conflict."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict("Another piece of this upload is just being received.") from error
        yield file
