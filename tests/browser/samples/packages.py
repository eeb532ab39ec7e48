"""A NuGet package that has all that a package can tell of itself."""

import io
import struct
import zlib
from typing import Final

from packages_feed.services import push_build_information, store_package
from tests.factories import SYSTEM, default_space
from tests.factories.packages import nuspec, zip_of

_README: Final = b"""# Acme Tools

Command line tools of the storefront.

```
acme-tools import --from prices.csv
```

| Command | What it does |
|---|---|
| `import` | reads prices |
| `export` | writes them |
"""
_EXTRA: Final = (
    "<icon>icon.png</icon><readme>README.md</readme>"
    '<license type="file">LICENSE.txt</license>'
    '<dependencies><group targetFramework="net6.0">'
    '<dependency id="Acme.Core" version="[4.1,5.0)"/><dependency id="Acme.Logging" version="2.0"/>'
    '</group><group targetFramework="netstandard2.0"/></dependencies>'
)


def push_tools() -> None:
    """Push Acme.Tools 2.0.0 and 2.1.0."""
    space = default_space()
    for version in ("2.0.0", "2.1.0"):
        manifest = nuspec(
            "Acme.Tools",
            version,
            extra=_EXTRA,
            title="Acme Tools",
            description="Imports and exports prices.",
            authors="Acme",
            projectUrl="https://code.example.com/acme/tools",
            releaseNotes="* reads files of any size\n* writes **decimal commas**",
            tags="prices import",
        )
        files = {
            "Acme.Tools.nuspec": manifest,
            "icon.png": _png(64, (38, 107, 98)),
            "README.md": _README,
            "LICENSE.txt": b"Everybody may use these tools for whatever they like.\n",
        }
        store_package(
            actor=SYSTEM, space=space, file=io.BytesIO(zip_of(files)), file_name="package"
        )
    push_build_information(
        actor=SYSTEM,
        space=space,
        package_id="Acme.Tools",
        version="2.1.0",
        document={
            "BuildEnvironment": "Jenkins",
            "BuildNumber": "57",
            "BuildUrl": "https://ci.example.com/job/57",
            "Branch": "main",
            "VcsCommitNumber": "9f2c41d07be1",
        },
    )


def _png(side: int, colour: tuple[int, int, int]) -> bytes:
    """Return a square of one colour."""
    rows = (b"\0" + bytes(colour) * side) * side
    header = struct.pack(">2I5B", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
