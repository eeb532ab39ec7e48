"""Names and paths that come from users and packages."""

import re
from pathlib import Path

_ILLEGAL = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]")
_MAX_NAME = 120


def safe_name(text: str) -> str:
    """Return the text as one path component, never empty, `.` or `..`."""
    name = _ILLEGAL.sub("_", text).strip()[:_MAX_NAME].strip()
    if not name.strip("."):
        return "_" * max(1, len(name))
    return name


def inside(root: Path, relative: str) -> Path | None:
    """Return the path of `relative` under `root`, None if it leads outside, also by links."""
    if not relative or "\0" in relative:
        return None
    path = root / relative.replace("\\", "/")
    return path if is_inside(root, path) else None


def is_inside(root: Path, path: Path) -> bool:
    """Tell whether `path`, links resolved, lies strictly below `root`."""
    real_root, real = root.resolve(), path.resolve()
    return real != real_root and real.is_relative_to(real_root)
