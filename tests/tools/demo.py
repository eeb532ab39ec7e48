"""The README's first command as a new user has it: a wheel with the server's packages alone.

The environment in .tools/server is made anew when the requirements change; the project in it is
built from the work tree each time. The demo runs twice on one data folder, each time on other
ports, and must leave no process behind.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support.processes import free_port  # noqa: E402 it lies in this repository
from tests.tools.install import TOOLS, pip  # noqa: E402 likewise

ENVIRONMENT = TOOLS / "server"
PYTHON = ENVIRONMENT / "bin" / "python"
REQUIREMENTS = ("pyproject.toml", "constraints.txt")
RUNS = 2
LONGEST_RUN = 240


class DemoFailed(Exception):
    """What went wrong, for the one who reads the run's output."""


def main() -> int:
    """Install and run; the exit code is 1 when anything is not as it must be."""
    try:
        with tempfile.TemporaryDirectory(prefix="octopus-demo-") as name:
            folder = Path(name)
            _install(_copy_of_work_tree(folder / "source"))
            for _ in range(RUNS):
                _run_demo(folder)
    except DemoFailed as problem:
        print(problem)
        return 1
    return 0


def _copy_of_work_tree(target: Path) -> Path:
    """Copy what is tracked, so that building leaves nothing in the work tree."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            copied = target / name
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copied)
    return target


def _install(source: Path) -> None:
    digest = hashlib.sha256(b"".join((source / name).read_bytes() for name in REQUIREMENTS))
    made = ENVIRONMENT / "made-for"
    install = [*pip(), "--python", str(PYTHON), "install", "-q", "--disable-pip-version-check"]
    if not made.exists() or made.read_text(encoding="ascii") != digest.hexdigest():
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        _call([sys.executable, "-m", "venv", "--without-pip", str(ENVIRONMENT)])
        _call([*install, "setuptools>=77"])
        _call([*install, "-c", str(source / "constraints.txt"), f"{source}[server]"])
        made.write_text(digest.hexdigest(), encoding="ascii")
    again = ["--no-deps", "--force-reinstall", "--no-build-isolation"]
    _call([*install, *again, str(source)])


def _run_demo(folder: Path) -> None:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OCTOPUS_", "ADMIN_", "DJANGO_", "PYTHONPATH"))
    }
    environment = {
        **kept,
        "ONCE": "1",
        "OCTOPUS_DATA_DIR": str(folder / "data"),
        "OCTOPUS_WEB_PORT": str(free_port()),
        "OCTOPUS_GATEWAY_PORT": str(free_port()),
    }
    command = [str(PYTHON), "-m", "octopus_site.demo"]
    try:
        _call(command, environment=environment, folder=folder)
    finally:
        left = _processes_with(str(folder / "data"))
    if left:
        raise DemoFailed(f"the demo left processes behind: {'; '.join(left)}")


def _call(
    command: list[str], *, environment: dict[str, str] | None = None, folder: Path = ROOT
) -> None:
    try:
        result = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=LONGEST_RUN,
            check=False,
        )
    except subprocess.TimeoutExpired as problem:
        raise DemoFailed(f"{' '.join(command)}: no end after {LONGEST_RUN} s") from problem
    if result.returncode:
        raise DemoFailed(f"{' '.join(command)}: exit {result.returncode}\n{result.stdout}")


def _processes_with(text: str) -> list[str]:
    """Return the command lines of processes that have a text in their arguments or settings."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            arguments = (folder / "cmdline").read_bytes()
            settings = (folder / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in arguments or text.encode() in settings:
            found.append(arguments.replace(b"\0", b" ").decode(errors="replace").strip())
    return found


if __name__ == "__main__":
    raise SystemExit(main())
