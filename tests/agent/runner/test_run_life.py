"""The life of a command: ends, stops, floods, and everything that may go wrong."""

import fcntl
import json
import os
import random
import resource
import time
from pathlib import Path
from typing import Any

import pytest

from agent.contracts.spool import STDOUT, Frame, SpoolReader

Agent = Any


def is_alive(pid: int) -> bool:
    try:
        return b") Z" not in Path(f"/proc/{pid}/stat").read_bytes()
    except FileNotFoundError:
        return False


def wait_for(path: Path, timeout_s: float = 60) -> str:
    limit = time.monotonic() + timeout_s
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < limit
        time.sleep(0.01)
    return path.read_text()


@pytest.mark.parametrize("code", [0, 1, 2, 77, 255])
def test_exit_codes(agent: Agent, code: int) -> None:
    run = agent.script(f"exit {code}")
    assert (run.exit["exit"], run.exit["signal"], run.exit["reason"]) == (code, None, "")
    assert json.loads((run.directory / "started").read_bytes())["boot_id"]
    assert not (run.directory / "exit.tmp").exists()


def test_death_by_signal(agent: Agent) -> None:
    run = agent.script("kill -9 $$")
    assert (run.exit["exit"], run.exit["signal"], run.exit["reason"]) == (137, 9, "")


def test_error_output_fails_only_when_asked(agent: Agent) -> None:
    assert agent.script("echo oops >&2").exit["exit"] == 0
    strict = {"Octopus.Action.FailScriptOnErrorOutput": "True"}
    run = agent.script("echo oops >&2", variables=strict)
    assert run.exit["exit"] == -1
    assert "error output" in run.exit["message"]
    body = "echo '##octopus[stderr-progress]'; sleep 0.2; echo 10% >&2"
    assert agent.script(body, variables=strict).exit["exit"] == 0


def test_a_command_never_starts_twice(agent: Agent) -> None:
    run = agent.script("echo once >>$OCTOPUS_WORK_DIRECTORY/../witness")
    before = (run.directory / "exit").read_bytes()
    agent.fork(run)
    run.wait()
    assert (run.directory / "witness").read_text() == "once\n"
    assert (run.directory / "exit").read_bytes() == before


def test_the_lock_is_held_for_life_and_not_inherited(agent: Agent) -> None:
    run = agent.start_script(
        "setsid sleep 60 >/dev/null 2>&1 & echo $! >pid; until [ -e go ]; do sleep 0.05; done"
    )
    pid = int(wait_for(run.work / "pid"))
    with (run.directory / "lock").open("rb+") as lock:
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (run.work / "go").touch()
        run.wait()
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert is_alive(pid)
    os.kill(pid, 9)


def test_binary_output_is_kept_byte_for_byte(agent: Agent, tmp_path: Path) -> None:
    data = random.Random(5).randbytes(3_000_001).replace(b"##octopus[", b"")
    (tmp_path / "data").write_bytes(data)
    run = agent.script(f"cat {tmp_path}/data; cat {tmp_path}/data >&2")
    assert run.stdout == data
    assert run.stderr == data
    assert max(len(payload) for _, payload in run.frames) <= 64 * 1024


def test_log_flood_is_complete(agent: Agent) -> None:
    run = agent.start_script('for ((i = 0; i < 100000; i++)); do echo "line $i of many"; done')
    run.wait(60)
    assert run.stdout == b"".join(b"line %d of many\n" % index for index in range(100_000))
    assert len(run.frames) < 20_000


def wait_in_little_memory(run: Any) -> None:
    """Wait for the end; the runner, a child of this process, takes little more than it."""
    own = int(Path("/proc/self/statm").read_text().split()[1]) * 4
    peak = 0
    status = Path(f"/proc/{run.pid}/status")
    while os.waitid(os.P_PID, run.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        for line in status.read_text().splitlines():
            if line.startswith("VmRSS"):
                peak = max(peak, int(line.split()[1]))
        time.sleep(0.02)
    run.wait()
    assert peak < own + 64 * 1024


def test_one_line_of_100_megabytes_in_little_memory(agent: Agent) -> None:
    run = agent.start_script(
        "head -c 100000000 /dev/zero | tr '\\0' x", sensitive={"A": "secret-value"}
    )
    wait_in_little_memory(run)
    assert run.stdout == b"x" * 100_000_000


def test_secret_split_over_writes_is_masked(agent: Agent) -> None:
    run = agent.script(
        "for part in be fore- s3c ret- val ue -af ter; do printf %s $part; sleep 0.03; done",
        sensitive={"A": "s3cret-value"},
    )
    assert run.stdout == b"before-********-after"


def test_sensitive_values_in_every_place_are_masked(agent: Agent) -> None:
    run = agent.script(
        'v=$(get_octopusvariable A); echo "$v"; echo "$v" >&2; update_progress 1 "at $v";'
        'printf %s "$v" | base64; write_verbose "$v"; fail_step "because of $v"',
        sensitive={"A": "s3cret-value"},
    )
    assert run.exit["message"] == "because of ********"
    assert b"s3cret-value" not in run.raw()
    assert b"czNjcmV0LXZhbHVl" not in run.raw()


def test_short_secrets_are_warned_about(agent: Agent) -> None:
    run = agent.script("echo abc", sensitive={"Tiny": "abc"})
    assert "Tiny is too short" in run.warnings


def test_output_beyond_the_cap_is_counted(agent: Agent) -> None:
    run = agent.script(
        "head -c 5000 /dev/zero | tr '\\0' x; set_octopusvariable A 1; exit 4", spool_cap=1000
    )
    assert run.stdout.startswith(b"x" * 1000)
    assert len(run.stdout) == 1000
    assert run.exit["omitted"] >= 4000
    assert "output limit of 1000 bytes" in run.warnings
    assert "bytes of it were left out" in run.warnings
    assert run.outputs == {"A": "1"}
    assert (run.exit["exit"], run.exit["reason"]) == (4, "")


@pytest.mark.thorough
def test_a_gigabyte_is_cut_at_the_cap(agent: Agent) -> None:
    total, cap = 10**9, 64 * 1024 * 1024
    body = f"yes {'y' * 63} | head -c {total}; exit 5"
    run = agent.start_script(body, spool_cap=cap)
    wait_in_little_memory(run)
    assert len(run.stdout) == cap
    # Some bytes more: what the runner notes about the script counts too.
    assert total - cap <= run.exit["omitted"] < total - cap + 200
    assert f"output limit of {cap} bytes" in run.warnings
    assert (run.exit["exit"], run.exit["reason"]) == (5, "")
    assert (run.directory / "out.spool").stat().st_size < cap * 1.1


def test_a_full_disk_does_not_block_the_script(agent: Agent) -> None:
    run = agent.start_script(
        "echo kept; until [ -e full ]; do sleep 0.05; done; echo lost; echo >said; exit 3"
    )
    while b"kept" not in run.stdout:
        time.sleep(0.01)
    size = (run.directory / "out.spool").stat().st_size
    resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    (run.work / "full").touch()
    wait_for(run.work / "said")
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
    while children.read_text():
        time.sleep(0.01)
    time.sleep(0.8)
    assert not (run.directory / "exit").exists()
    resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    run.wait()
    assert run.exit["exit"] == 3
    assert run.exit["omitted"] >= len("lost\n")
    assert run.exit["reason"].startswith("error: ")
    assert run.stdout == b"kept\n"


def test_deadline(agent: Agent) -> None:
    begun = time.monotonic()
    run = agent.script("trap 'echo bye; exit 5' TERM; echo on; sleep 60 & wait", deadline_s=2)
    assert (run.exit["reason"], run.exit["exit"]) == ("deadline", 5)
    assert "time limit" in run.exit["message"]
    assert run.stdout.startswith(b"on\nbye\n")
    assert time.monotonic() - begun < 30


def test_cancel_kills_every_descendant(agent: Agent) -> None:
    run = agent.start_script(
        "trap '' TERM\n"
        "bash -c 'trap \"\" TERM; sleep 60 & echo $!; wait' >one &\n"
        "setsid bash -c '(setsid sleep 61 >/dev/null 2>&1 & echo $! >two)'\n"
        "echo $$ >zero; while :; do sleep 1; done"
    )
    pids = [int(wait_for(run.work / name)) for name in ("zero", "one", "two")]
    assert all(map(is_alive, pids))
    begun = time.monotonic()
    run.cancel(grace_s=0.5, reason="by Ana")
    run.wait()
    assert 0.4 < time.monotonic() - begun < 30
    assert not any(map(is_alive, pids))
    assert (run.exit["reason"], run.exit["message"]) == ("cancelled", "Cancelled: by Ana")
    assert run.exit["signal"] == 9


def test_cancel_lets_the_script_clean_up(agent: Agent) -> None:
    run = agent.start_script("trap 'echo cleaned; exit 9' TERM; echo >go; sleep 60 & wait")
    wait_for(run.work / "go")
    run.cancel(grace_s=20)
    run.wait()
    assert run.stdout.startswith(b"cleaned\n")
    assert (run.exit["reason"], run.exit["exit"]) == ("cancelled", 9)


def test_cancel_before_the_start(agent: Agent, tmp_path: Path) -> None:
    run = agent.script("true")
    for name in ("started", "exit", "out.spool"):
        (run.directory / name).unlink()
    run.spec["variables"][1][1] = f"touch {tmp_path}/ran"
    (run.directory / "cancel").write_text("{}")
    agent.fork(run)
    run.wait()
    assert run.exit["reason"] == "cancelled"
    assert not (tmp_path / "ran").exists()


def test_cancel_file_alone_is_enough(agent: Agent) -> None:
    run = agent.start_script("echo >go; sleep 60")
    wait_for(run.work / "go")
    (run.directory / "cancel").write_text('{"grace_s": 1}')
    assert run.wait().exit["reason"] == "cancelled"


def test_background_process_does_not_hold_the_command(agent: Agent) -> None:
    begun = time.monotonic()
    run = agent.script("echo begin; (sleep 0.1; echo late; sleep 60) & echo $! >pid; exit 6")
    assert time.monotonic() - begun < 30
    assert run.exit["exit"] == 6
    assert run.stdout.startswith(b"begin\nlate\n")
    assert "background" in run.warnings
    pid = int((run.work / "pid").read_text())
    assert is_alive(pid)
    os.kill(pid, 9)


def test_output_appears_at_once(agent: Agent) -> None:
    run = agent.start_script("for i in {1..20}; do sleep 0.1; date +%s%N; done")
    delays: list[int] = []
    with SpoolReader(run.directory / "out.spool") as reader:
        while len(delays) < 10:
            frames: list[Frame] = [f for f in reader.read() if f.stream == STDOUT]
            delays += [time.time_ns() - int(frame.payload.split()[0]) for frame in frames]
            time.sleep(0.002)
    # A busy machine may keep some of them for longer.
    assert sorted(delays)[2] < 50_000_000
    run.wait()


def test_internal_errors_end_the_command(agent: Agent) -> None:
    run = agent.script("true")
    for name in ("started", "exit", "out.spool"):
        (run.directory / name).unlink()
    run.spec["variables"] = [["A", "b"]]
    agent.fork(run)
    run.wait()
    assert run.exit["reason"].startswith("error: ValueError")
    assert "failed to run" in run.text


def test_unknown_kind_is_refused(agent: Agent) -> None:
    run = agent.run({}, kind="dance")
    assert run.exit["exit"] == 1
    assert "kind dance" in run.text


def test_ten_thousand_messages(agent: Agent) -> None:
    message = "##octopus[setVariable name='QQ==' value='Qg==']"
    run = agent.start_script(f'for ((i = 0; i < 10000; i++)); do echo "{message}"; done')
    run.wait(60)
    assert run.outputs == {"A": "B"}
    assert len(run.records("output")) == 10_000
    assert run.stdout == b""
