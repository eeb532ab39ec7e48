"""Packages: the bytes of archives, and versions in the feed."""

import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

from deployments.base.actor import Actor
from deployments.base.models import Space
from packages_feed.models import PackageVersion
from packages_feed.services import store_package
from tests.factories.people import SYSTEM
from tests.factories.spaces import default_space

# Old clients find the manifest only through these two.
_RELATIONSHIPS = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Type="http://schemas.microsoft.com/packaging/2010/07/manifest"'
    ' Target="/{}.nuspec" Id="R1" /></Relationships>'
)
_CONTENT_TYPES = (
    b'<?xml version="1.0" encoding="utf-8"?>'
    b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    b'<Default Extension="rels"'
    b' ContentType="application/vnd.openxmlformats-package.relationships+xml" />'
    b'<Default Extension="nuspec" ContentType="application/octet" />'
    b'<Default Extension="txt" ContentType="application/octet" /></Types>'
)


def nuspec(package_id: str, version: str, *, extra: str = "", **texts: str) -> bytes:
    """Return a manifest; `extra` is XML for the end of its metadata."""
    fields = {"authors": "Ana", "description": f"About {package_id}", **texts}
    lines = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"><metadata>'
        f"<id>{package_id}</id><version>{version}</version>{lines}{extra}</metadata></package>"
    ).encode()


def nupkg(
    package_id: str,
    version: str,
    *,
    extra: str = "",
    content: bytes = b"content",
    **texts: str,
) -> bytes:
    """Return a NuGet package; the same arguments give the same bytes."""
    return zip_of(
        {
            "_rels/.rels": _RELATIONSHIPS.format(package_id).encode(),
            "[Content_Types].xml": _CONTENT_TYPES,
            f"{package_id}.nuspec": nuspec(package_id, version, extra=extra, **texts),
            "content/readme.txt": content,
        }
    )


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """Return a zip archive of the files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def tar_of(members: Iterable[tuple[tarfile.TarInfo, bytes]], compression: str = "gz") -> bytes:
    """Return a tar archive, the same of the same; compression is "", "gz", "bz2" or "xz"."""
    buffer = io.BytesIO()
    mode: Any = f"w:{compression}"
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    if compression == "gz":
        buffer.getbuffer()[4:8] = bytes(4)  # when it was made
    return buffer.getvalue()


def tar_file(name: str, **values: object) -> tarfile.TarInfo:
    """Return the header of a tar member."""
    member = tarfile.TarInfo(name)
    for key, value in values.items():
        setattr(member, key, value)
    return member


def make_package(
    package_id: str = "Acme.Web",
    version: str = "1.0.0",
    *,
    space: Space | None = None,
    actor: Actor = SYSTEM,
    extension: str = ".nupkg",
    mode: str = "FailIfExists",
    content: bytes = b"content",
    extra: str = "",
    **texts: str,
) -> PackageVersion:
    """Push a package and return its version."""
    if extension == ".nupkg":
        data = nupkg(package_id, version, extra=extra, content=content, **texts)
    else:
        data = zip_of({"readme.txt": content})
    return store_package(
        actor=actor,
        space=space or default_space(),
        file=io.BytesIO(data),
        file_name=f"{package_id}.{version}{extension}",
        overwrite_mode=mode,
    ).version
