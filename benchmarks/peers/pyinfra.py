"""pyinfra over ssh: one sshd on this machine, the targets are addresses of its loopback."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers.common import Peer, PeerMissing, environment_of, timed
from tests.support.processes import NotReadyError, Processes, free_port
from tests.tools import install

_SSHD = Path("/usr/sbin/sshd")
# OpenSSH's own defaults refuse many that sign in at once.
_CONFIGURATION = """
Port {port}
ListenAddress 0.0.0.0
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile {folder}/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
MaxStartups 500:30:1000
"""


@contextmanager
def pyinfra(folder: Path, most: int) -> Iterator[Peer]:
    """Give pyinfra with a running sshd."""
    programs = environment_of("peers")
    own = folder / "pyinfra"
    own.mkdir(mode=0o700)
    port = free_port()
    processes = Processes(own / "logs")
    _start_sshd(processes, own, port)
    environment = {**os.environ, "HOME": str(own), "LC_ALL": "C.UTF-8"}

    def run(count: int, script: str) -> float:
        inventory = own / f"inventory_{count}.py"
        data = {"ssh_port": port, "ssh_key": str(own / "user"), "ssh_user": "root"}
        data["ssh_known_hosts_file"] = str(own / "known_hosts")
        data["ssh_strict_host_key_checking"] = "off"
        hosts = [(f"127.0.{index // 250}.{index % 250 + 1}", data) for index in range(count)]
        inventory.write_text(f"hosts = {hosts!r}\n", encoding="utf-8")
        command: list[str | Path] = [
            programs / "pyinfra",
            "-y",
            inventory,
            "exec",
            "--",
            *script.split(),
        ]
        return timed(command, count, "hi", environment=environment, folder=own)

    try:
        yield Peer("pyinfra over ssh", most, run)
    finally:
        processes.kill_all()


def _start_sshd(processes: Processes, folder: Path, port: int) -> None:
    if not _SSHD.exists():
        install.install_debian_packages(["openssh-server"])
    if not _SSHD.exists() or os.geteuid() != 0:
        raise PeerMissing("it needs sshd and to be root")
    for name in ("host", "user"):
        command: list[str | Path] = [
            "ssh-keygen",
            "-q",
            "-t",
            "ed25519",
            "-N",
            "",
            "-f",
            str(folder / name),
        ]
        subprocess.run(command, check=True, capture_output=True)
    configuration = folder / "sshd_config"
    configuration.write_text(_CONFIGURATION.format(port=port, folder=folder), encoding="ascii")
    # Where sshd drops its rights; Debian's service makes it.
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    server = processes.start("sshd", [_SSHD, "-D", "-e", "-f", configuration])
    try:
        server.wait_for_port(port)
    except NotReadyError as error:
        processes.kill_all()
        raise PeerMissing(f"sshd does not start: {server.log().strip()[-200:]}") from error
