"""Salt: one master and a minion for each target, all on this machine."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers.common import Peer, PeerMissing, environment_of, timed
from tests.support.processes import Processes, free_port

# A minion takes 50 MB and seconds to start.
_MOST = 25
_STARTS_WITHIN = 90.0
_MASTER = """
interface: 127.0.0.1
publish_port: {publish}
ret_port: {answer}
auto_accept: True
worker_threads: 2
"""
_MINION = """
master: 127.0.0.1
publish_port: {publish}
master_port: {answer}
id: {name}
"""


@contextmanager
def salt(folder: Path, most: int) -> Iterator[Peer]:
    """Give Salt with its minions running; the first so many answer a call."""
    programs = environment_of("salt")
    names = [f"m{index}" for index in range(min(most, _MOST))]
    ports = {"publish": free_port(), "answer": free_port()}
    # Its sockets lie below, and a socket's path may not be long.
    with tempfile.TemporaryDirectory(prefix="salt-", dir="/tmp") as short:
        own = Path(short)
        environment = {"HOME": str(own), "LC_ALL": "C.UTF-8"}
        processes = Processes(folder / "salt", environment)

        def start(program: str, name: str, configuration: str) -> None:
            home = own / name
            home.mkdir()
            text = f"root_dir: {home}\nuser: root\nlog_level_logfile: quiet\n{configuration}"
            (home / program.removeprefix("salt-")).write_text(text, encoding="ascii")
            processes.start(name, [programs / program, "-c", home])

        def run(count: int, script: str) -> float:
            chosen = ",".join(names[:count])
            command: list[str | Path] = [
                programs / "salt",
                "-c",
                own / "master",
                "-L",
                chosen,
                "cmd.run",
                script,
            ]
            around = {**os.environ, **environment}
            return timed(command, count, "hi", environment=around, folder=own)

        try:
            start("salt-master", "master", _MASTER.format(**ports))
            for name in names:
                start("salt-minion", name, _MINION.format(name=name, **ports))
            _wait(lambda: run(len(names), "echo hi"))
            yield Peer("Salt", len(names), run)
        finally:
            processes.kill_all()


def _wait(ask: Callable[[], object]) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while True:
        try:
            ask()
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            if time.monotonic() > deadline:
                lines = str(error).strip().splitlines()
                raise PeerMissing(lines[-1] if lines else "its minions do not answer") from error
            time.sleep(1)
        else:
            return
