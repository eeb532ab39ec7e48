"""Uploads that come in pieces and go on after a broken line.

Nothing of one is in the database: what it is to become is signed in its id, what has come is kept
by the storage, so that any server takes the next piece. The sweep deletes what nobody has gone on
with for a day.
"""

import errno
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID, uuid4

from django.core import signing

from agent.versions import InvalidFileName, parse_file_name
from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Conflict, Invalid, NotFound
from deployments.base.models import Space
from packages_feed.ingest import Spool, Spooled, TooLarge, current_limits, hash_file, spool_stream
from packages_feed.ingest.inspect import NUPKG
from packages_feed.ingest.limits import readable
from packages_feed.models import PackageVersion
from packages_feed.queries import find_version
from packages_feed.services.clear_names import require_clear
from packages_feed.services.permissions import require_somewhere
from packages_feed.services.store import (
    AlreadyExists,
    Outcome,
    OverwriteMode,
    Stored,
    store_package,
)
from packages_feed.storage import PiecesBusy, PieceStore, StorageFailed, package_storage
from packages_feed.storage.base import is_sha256
from packages_feed.storage.pieces import Adding

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
    meant: tuple[str, str] | None = None

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
    meant: tuple[str, str] | None = None,
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
        _check_name(space, name, mode, meant)
    return ResumableUpload(
        uuid4().hex, space.pk, actor.public_id, name, size, str(mode), sha256, meant
    )


def _check_name(
    space: Space, name: str, mode: OverwriteMode, meant: tuple[str, str] | None
) -> None:
    try:
        named = parse_file_name(name)
    except InvalidFileName as error:
        raise Invalid(str(error)) from error
    require_clear(space, named, meant)
    existing = find_version(space, named.package_id, named.version.original)
    if existing is not None and mode is OverwriteMode.FAIL:
        raise AlreadyExists(existing, same_bytes=False)


def find_upload(actor: Actor, space: Space, text: str) -> ResumableUpload:
    """Return the upload that the actor has begun in the space; raises NotFound."""
    try:
        told = signing.loads(text, salt=_SALT, max_age=_KEPT_S * 7)
        upload = ResumableUpload(**{**told, "meant": tuple(told.get("meant") or ()) or None})
        UUID(upload.number)
    except (signing.BadSignature, TypeError, ValueError) as error:
        raise NotFound("There is no such upload, or it was given up. Begin it again.") from error
    if (upload.space, upload.actor) != (space.pk, actor.public_id):
        raise NotFound("There is no such upload.")
    return upload


def received(upload: ResumableUpload) -> int:
    """Return how many bytes are here."""
    return _pieces(upload).received()


def receive_piece(upload: ResumableUpload, *, start: int, pieces: Iterable[bytes]) -> int:
    """Append a piece; returns how many bytes are here now.

    What has come before a line broke stays. Raises WrongPlace unless it begins where the last one
    ended, Invalid for more bytes than were announced, Conflict while another piece comes.
    """
    try:
        with _adding(upload) as end:
            if start != end.here:
                raise WrongPlace(end.here)
            for piece in pieces:
                if end.here + len(piece) > upload.size:
                    end.undo()
                    raise Invalid(f"More bytes came than the {upload.size} that were announced.")
                end.write(piece)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise StorageFailed("The server has no room left for the package.") from error
    return end.here


def complete_upload(
    *, actor: Actor, space: Space, upload: ResumableUpload, clock: Clock = utc_now
) -> Stored:
    """Check the whole file and add it to the feed; asked again, it answers the same again.

    Of a refused file nothing stays. Raises Conflict while bytes are missing, Invalid for another
    SHA-256 than was announced, and what `store_package` raises.
    """
    if (done := _done(space, upload)) is not None:
        return done
    pieces = _pieces(upload)
    if (here := pieces.received()) != upload.size:
        raise Conflict(f"{here} of {upload.size} bytes are here; send the rest first.")
    with _adding(upload):
        try:
            with _spooled(pieces) as spooled:
                if upload.sha256 not in {"", spooled.sha256}:
                    raise Invalid("The file has another SHA-256 than was announced.")
                stored = store_package(
                    actor=actor,
                    space=space,
                    file=spooled,
                    file_name=upload.name,
                    overwrite_mode=upload.mode,
                    meant=upload.meant,
                    clock=clock,
                )
        except StorageFailed:
            raise  # asked again, it may succeed
        except BaseException:
            pieces.drop()
            raise
        pieces.note(json.dumps([stored.version.pk, str(stored.outcome)]))
        pieces.drop()
    return stored


def abandon_upload(upload: ResumableUpload) -> None:
    """Delete what has come."""
    _pieces(upload).drop()


def _pieces(upload: ResumableUpload) -> PieceStore:
    return package_storage().pieces(UUID(upload.number).hex)


@contextmanager
def _adding(upload: ResumableUpload) -> Iterator[Adding]:
    """Hold the end of an upload for one request at a time; raises Conflict."""
    try:
        with _pieces(upload).adding() as end:
            yield end
    except PiecesBusy as error:
        raise Conflict("Another piece of this upload is just being received.") from error


@contextmanager
def _spooled(pieces: PieceStore) -> Iterator[Spooled]:
    """Give all that has come as one file of this machine."""
    if (path := pieces.path()) is not None:
        yield hash_file(path)
        return
    folder = package_storage().spool_folder
    with Spool(folder, limit=current_limits().package) as spool:
        yield spool_stream(spool, pieces.whole())


def _done(space: Space, upload: ResumableUpload) -> Stored | None:
    text = _pieces(upload).noted()
    if text is None:
        return None
    number, outcome = json.loads(text)
    version = PackageVersion.objects.in_space(space).filter(pk=number).first()
    if version is None:
        raise NotFound("The package was stored, and deleted since.")
    return Stored(version, Outcome(outcome))
