"""ansible-core: 25 forks, each target a local connection."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers.common import Peer, environment_of, timed

_FORKS = 25


@contextmanager
def ansible(folder: Path, most: int) -> Iterator[Peer]:
    """Give ansible, run as `ansible all -m raw`: its fastest way to run one command."""
    programs = environment_of("peers")
    own = folder / "ansible"
    own.mkdir()
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(own),
        "ANSIBLE_HOME": str(own),
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_NOCOLOR": "1",
        "LC_ALL": "C.UTF-8",
    }

    def run(count: int, script: str) -> float:
        hosts = "".join(f"t{index}," for index in range(count))
        command: list[str | Path] = [
            *(programs / "ansible", "all", "-i", hosts, "-c", "local", "-f", str(_FORKS)),
            *("-m", "ansible.builtin.raw", "-a", script),
        ]
        return timed(command, count, "hi", environment=environment, folder=own)

    yield Peer("ansible-core", most, run)
