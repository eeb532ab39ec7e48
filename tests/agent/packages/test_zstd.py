"""What an agent announces of zstd, and that it loads nothing for that."""

import os
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
ANNOUNCE = """
import sys
from agent.runtime.packages.patching import capabilities
from agent.runtime.packages.zstd import find_zstd
print("patch:zstd" in capabilities())
print(sorted(name for name in sys.modules if name.endswith(("_zstd", "backend_c", "_cffi"))))
print(find_zstd() is not None)
print("patch:zstd" in capabilities())
"""


def told(code: str, *folders: Path, programs: str = "") -> list[str]:
    """Return what a new interpreter prints that finds modules in these folders first."""
    environment = {
        "PATH": programs,
        "PYTHONPATH": os.pathsep.join(str(folder) for folder in (*folders, ROOT)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return ran.stdout.splitlines()


def broken(folder: Path, *, suffix: str = EXTENSION_SUFFIXES[0]) -> Path:
    """Install modules whose extensions cannot be loaded, as after a change of Python."""
    for name, extension in (("backports/zstd", "_zstd"), ("zstandard", "backend_c")):
        package = folder / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"from .{extension} import *\n", encoding="utf-8")
        (package / f"{extension}{suffix}").write_bytes(b"this is no library")
    return folder


def test_it_is_announced_without_being_loaded() -> None:
    assert told(ANNOUNCE) == ["True", "[]", "True", "True"]


def test_what_cannot_be_loaded_is_announced_until_that_is_known(tmp_path: Path) -> None:
    assert told(ANNOUNCE, broken(tmp_path)) == ["True", "[]", "False", "False"]


def test_an_extension_for_another_python_is_none(tmp_path: Path) -> None:
    folder = broken(tmp_path, suffix=".cpython-27-x86_64-linux-gnu.so")
    assert told(ANNOUNCE, folder) == ["False", "[]", "False", "False"]


def test_a_broken_package_around_it_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "backports").mkdir()
    (tmp_path / "backports" / "__init__.py").write_text("1 / 0\n", encoding="utf-8")
    assert told(ANNOUNCE, tmp_path) == ["True", "[]", "True", "True"]


def test_the_program_is_enough(tmp_path: Path) -> None:
    folder = broken(tmp_path / "modules", suffix=".cpython-27-x86_64-linux-gnu.so")
    assert told(ANNOUNCE, folder, programs="/usr/bin:/bin") == ["True", "[]", "True", "True"]
