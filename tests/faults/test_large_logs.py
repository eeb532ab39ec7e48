"""More log than anybody reads: complete to the byte, in little memory."""

import json
import socket
import urllib.request
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.faults.harness.scripts import Script
from tests.faults.lab import Lab, memory_of
from tests.support.server import PASSWORD, USERNAME

_MB = 1024 * 1024


@dataclass(frozen=True)
class Bytes(Script):
    """A script whose output another program makes."""

    command: str = "true"
    text: bytes = b""

    def body(self, witness: Path) -> str:
        return super().body(witness).replace("for number in", f"{self.command}\nfor number in", 1)

    def printed(self, deployment_id: str, machine: str) -> bytes:
        head, _, _ = super().printed(deployment_id, machine).partition(b"\n")
        return head + b"\n" + self.text


CASES = {
    "100 MB in long lines": Bytes(
        lines=0,
        command=f"yes {'x' * 999} | head -c 100000000",
        text=(b"x" * 999 + b"\n") * 100_000,
    ),
    "two million short lines": Bytes(
        lines=0,
        command="seq 1 2000000",
        text=b"".join(b"%d\n" % number for number in range(1, 2_000_001)),
    ),
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", CASES)
def test_a_log_is_complete_in_little_memory(lab: Lab, name: str) -> None:
    lab.add_project(name, CASES[name])
    watched = [
        *lab.server_pids("gateway"),
        *lab.children_of("worker"),
        *(agent.pid for agent in lab.agents.values()),
    ]
    before = {pid: memory_of(pid) for pid in watched}
    deployment_id, task_id = lab.deploy(name)
    most = dict(before)
    while True:
        task = lab.wait_for_end(task_id, 0.3)
        most = {pid: max(most[pid], memory_of(pid)) for pid in watched}
        if task["IsCompleted"]:
            break
    lab.check(deployment_id, task, name)
    lab.note_fault("a large log")
    grown = {pid: (most[pid] - before[pid]) // _MB for pid in watched}
    # The agents' windows, and the pages that SQLite keeps for each connection (16 MB).
    assert max(grown.values()) <= 96, grown
    # The page shows the end of it.
    raw = lab.server.call("GET", f"/api/Spaces-1/tasks/{task_id}/details?tail=5")
    assert raw["Task"]["State"] == "Success"


@pytest.mark.thorough
def test_readers_who_never_read_cost_little_and_hold_nobody_up(lab: Lab) -> None:
    lab.add_project("Wide", Script(lines=3000, pause=0.0, width=2000, seconds=8))
    web = [*lab.server_pids("web"), *lab.children_of("web")]
    deployment_id, task_id = lab.deploy("Wide")
    before = sum(map(memory_of, web))
    readers = [_reader(lab, f"/app/Spaces-1/tasks/{task_id}/stream?after=0") for _ in range(20)]
    lab.note_fault("readers who never read")
    lab.wait_for_start(deployment_id)
    task = lab.wait_for_end(task_id)
    grown = (sum(map(memory_of, web)) - before) // _MB
    for reader in readers:
        reader.close()
    lab.check(deployment_id, task, "Wide")
    assert grown <= 128


def _reader(lab: Lab, path: str) -> socket.socket:
    """Ask for a live log with a small window, and look at the first line of the answer only."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", lab.server.web_port))
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{lab.server.web_port}\r\n"
    made.sendall(f"{head}Cookie: {_cookies(lab)}\r\n\r\n".encode())
    assert made.recv(12) == b"HTTP/1.1 200"
    return made


@cache
def _cookies_of(url: str) -> str:
    body = json.dumps({"Username": USERNAME, "Password": PASSWORD}).encode()
    request = urllib.request.Request(
        f"{url}/api/users/login", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        cookies = answer.headers.get_all("Set-Cookie")
    return "; ".join(cookie.partition(";")[0] for cookie in cookies)


def _cookies(lab: Lab) -> str:
    return _cookies_of(lab.server.url)
