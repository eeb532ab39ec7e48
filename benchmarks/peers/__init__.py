"""Other tools that run the same command on as many targets, on the same machine."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from benchmarks.peers.ansible import ansible
from benchmarks.peers.common import Peer, PeerMissing
from benchmarks.peers.pyinfra import pyinfra
from benchmarks.peers.salt import salt

__all__ = ["PEERS", "Peer", "PeerMissing"]

PEERS: tuple[Callable[[Path, int], AbstractContextManager[Peer]], ...] = (ansible, pyinfra, salt)
