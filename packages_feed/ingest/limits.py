"""How large a package may be and what an archive may grow to."""

from dataclasses import dataclass

from deployments.base.errors import Invalid
from deployments.base.settings_rows import get_setting, register_usual_setting

MIB = 1024 * 1024
SETTING = "packages.limits"
register_usual_setting(SETTING)


class TooLarge(Invalid):
    """The package is larger than the server takes (413)."""


@dataclass(frozen=True)
class Limits:
    """Bounds in bytes and entries. The ratio counts only beyond `ratio_from` unpacked bytes.

    `patches` is what all patches for agents may take of the storage; 0: none are made.
    """

    package: int = 5 * 1024 * MIB
    nuspec: int = MIB
    unpacked: int = 1024 * 1024 * MIB
    entries: int = 1_000_000
    nupkg_entries: int = 65_534
    ratio: int = 250
    ratio_from: int = 256 * MIB
    patches: int = 2048 * MIB


def current_limits() -> Limits:
    """Return the limits of the server setting `packages.limits` (an object of the names above)."""
    stored = get_setting(SETTING, {})
    known = {name: int(stored[name]) for name in Limits.__dataclass_fields__ if name in stored}
    return Limits(**known)


def readable(size: int) -> str:
    """Return `5 GB` or `20 MB` for a number of bytes."""
    for unit, factor in (("GB", 1024 * MIB), ("MB", MIB), ("KB", 1024)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} bytes"
