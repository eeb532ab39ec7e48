"""Bash scripts: every helper function, the environment, the shell's own options."""

import base64
import time
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

Agent = Any
HARD = "ünïcode \U0001f419 $HOME `id` 'single' \"double\" \\back\nline two\t#{x}"


def test_reads_variables(agent: Agent) -> None:
    run = agent.script(
        "get_octopusvariable Hard; echo; get_octopusvariable hARD | wc -c;"
        'echo "[$(get_octopusvariable Missing)]"; echo "${octopus_parameters[Key[0]]}"'
        '; echo "${octopus_parameters["Hard"]}"',
        variables={"Hard": HARD, "Key[0]": "indexed", "Empty": ""},
    )
    size = len(HARD.encode())
    expected = f"{HARD}\n{size}\n[]\nindexed\n{HARD}\n"
    assert run.stdout.decode() == expected
    assert run.exit["exit"] == 0, run.text


@pytest.mark.parametrize("value", ["", "a", "ab", "abc", HARD, "x" * 299, "é" * 400, "-n", "\\"])
def test_sets_output_variables(agent: Agent, value: str) -> None:
    run = agent.script(
        'set_octopusvariable Copy "$(get_octopusvariable In)"', variables={"In": value}
    )
    assert run.outputs == {"Copy": value}
    assert run.stdout == b""


def test_large_output_variable_is_split_into_parts(agent: Agent) -> None:
    run = agent.script(
        "value=$(printf '%0300000d' 7); set_octopusvariable Big \"$value\";"
        'set_octopusvariable Hidden "$value" -sensitive'
    )
    assert run.outputs == {"Big": "7".zfill(300_000), "Hidden": "7".zfill(300_000)}
    assert run.exit["exit"] == 0


def test_sensitive_output_is_sealed_and_masked_from_then_on(agent: Agent) -> None:
    run = agent.script('set_octopusvariable Token "tok-$((40+2))-en" -sensitive; echo tok-42-en')
    assert run.outputs == {"Token": "tok-42-en"}
    assert run.stdout == b"********\n"
    raw = run.raw()
    assert b"tok-42-en" not in raw
    assert base64.b64encode(b"tok-42-en") not in raw


def test_output_that_contains_a_secret_is_sealed_too(agent: Agent) -> None:
    run = agent.script(
        'set_octopusvariable Url "https://u:$(get_octopusvariable P)@host/"',
        sensitive={"P": "hunter2hunter2"},
    )
    assert run.outputs == {"Url": "https://u:hunter2hunter2@host/"}
    assert "contains a sensitive value" in run.warnings
    assert b"hunter2hunter2" not in run.raw()


def test_without_a_key_sensitive_output_is_left_out(agent: Agent) -> None:
    run = agent.script("set_octopusvariable A top-secret -sensitive", key=False)
    assert run.outputs == {}
    assert "no key" in run.warnings
    assert b"top-secret" not in run.raw()


def test_artifact(agent: Agent) -> None:
    run = agent.script(
        "echo data >file.txt; new_octopusartifact file.txt 'My file';"
        "new_octopusartifact $PWD/file.txt;"
        "new_octopusartifact nowhere.txt || echo no"
    )
    assert run.records("artifact") == [
        {"t": "artifact", "name": "My file", "number": 1, "length": 5},
        {"t": "artifact", "name": "file.txt", "number": 2, "length": 5},
    ]
    assert (run.directory / "artifacts" / "1").read_bytes() == b"data\n"
    assert run.stdout == b"no\n"
    assert b"nowhere.txt" in run.stderr


def test_progress_and_levels(agent: Agent) -> None:
    run = agent.script(
        "update_progress 50 half; echo plain; write_verbose v; write_highlight h; write_wait w;"
        "write_warning !; echo '##octopus[stdout-error]'; echo bad;"
        "echo '##octopus[stdout-default]'; echo end"
    )
    assert run.records("progress") == [{"t": "progress", "percentage": 50, "message": "half"}]
    assert run.levels == [
        ("info", "plain"),
        ("verbose", "v"),
        ("highlight", "h"),
        ("wait", "w"),
        ("warning", "!"),
        ("error", "bad"),
        ("info", "end"),
    ]


def test_ignored_output_is_not_stored(agent: Agent) -> None:
    run = agent.script(
        "echo '##octopus[stdout-ignore]'; echo noise; echo '##octopus[stdout-default]'; echo shown"
    )
    assert run.stdout == b"shown\n"


def test_fail_step(agent: Agent) -> None:
    run = agent.script("fail_step 'the disk is gone'; echo never")
    assert run.exit["exit"] == 1
    assert run.exit["message"] == "the disk is gone"
    assert run.records("result") == [{"t": "result", "message": "the disk is gone"}]
    assert b"never" not in run.stdout


def test_mask_message_and_unknown_messages(agent: Agent) -> None:
    value = base64.b64encode(b"late-secret").decode()
    run = agent.script(
        f"echo \"##octopus[mask value='{value}']\"; echo late-secret; echo '##octopus[dance]'"
    )
    assert run.stdout == b"********\n"
    assert "dance is not supported" in run.warnings


def test_strict_and_traced_scripts_work(agent: Agent) -> None:
    run = agent.script(
        "set -euo pipefail -x; IFS=,; set_octopusvariable A 'one two' -sensitive;"
        "get_octopusvariable None; write_verbose fine; update_progress 1 x;"
        "false || true; echo end",
    )
    assert run.exit["exit"] == 0, run.text
    assert run.outputs == {"A": "one two"}
    assert ("info", "end") in run.levels
    assert b"printf" not in run.stderr


def test_environment_is_clean(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "rc").write_text("echo loaded")
    monkeypatch.setenv("BASH_ENV", str(tmp_path / "rc"))
    monkeypatch.setenv("SOMETHING_PRIVATE", "1")
    run = agent.script(
        "env | cut -d= -f1 | sort; cat; ls /proc/$$/fd; pwd", sensitive={"Key": "very-secret"}
    )
    lines = run.stdout.decode().splitlines()
    assert "loaded" not in lines
    assert "SOMETHING_PRIVATE" not in lines
    assert {"PATH", "HOME", "OCTOPUS_COMMAND_ID", "OCTOPUS_WORK_DIRECTORY"} <= set(lines)
    assert {line for line in lines if line.isdigit()} <= {"0", "1", "2", "255"}
    assert lines[-1] == str(run.work)


def test_secrets_are_nowhere_while_the_script_runs(agent: Agent) -> None:
    secret = token_hex(16)  # nobody else's process has it
    run = agent.start_script(
        'value=$(get_octopusvariable Key); echo "${#value}"; sleep 60', sensitive={"Key": secret}
    )
    while b"32\n" not in run.stdout:
        time.sleep(0.01)
    seen = b""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            for name in ("cmdline", "environ"):
                try:
                    seen += (entry / name).read_bytes()
                except OSError:
                    continue
    assert b"OCTOPUS_COMMAND_ID=" in seen
    assert secret.encode() not in seen
    assert secret.encode() not in run.raw()
    run.cancel()
    run.wait()


@pytest.mark.parametrize(
    ("syntax", "body"),
    [
        ("Bash", 'key=s3cret!!; echo "${#key} $1"; sleep 30'),
        (
            "Python",
            "import sys, time; print(len('s3cret!!'), sys.argv[1], flush=True); time.sleep(30)",
        ),
    ],
)
def test_a_script_that_holds_a_secret_is_in_memory_only(
    agent: Agent, syntax: str, body: str
) -> None:
    run = agent.start_script(
        body,
        syntax,
        sensitive={"Key": "s3cret!!"},
        variables={"Octopus.Action.Script.ScriptParameters": "first"},
    )
    while b"8 first" not in run.stdout:
        time.sleep(0.01)
    assert b"s3cret!!" not in run.raw()
    (name,) = run.work.glob("Script*")
    assert str(name.readlink()).startswith("/proc/self/fd/")
    run.cancel()
    run.wait()
    assert not list(run.work.iterdir())


def test_script_parameters_and_carriage_returns(agent: Agent) -> None:
    run = agent.script(
        'echo "$#"\r\necho "$2"\r\necho "${BASH_SOURCE[0]##*/}"\r\n',
        variables={"Octopus.Action.Script.ScriptParameters": "a 'b c' \"d\""},
    )
    assert run.stdout == b"3\nb c\nScript.sh\n"
    assert not list(run.work.iterdir())
    assert not list(run.directory.glob("bootstrap*"))


def test_three_hundred_variables_cost_milliseconds(agent: Agent) -> None:
    variables = {f"Project.Setting[{index}].Value": f"value {index}" for index in range(300)}
    agent.script("true")
    best = min(agent.script("true", variables=variables).exit["duration_ms"] for _ in range(20))
    assert best < 100
    run = agent.script("echo ${#octopus_parameters[@]}", variables=variables)
    assert run.stdout == b"306\n"  # with the two of the script and four of the agent


def test_files_are_private(agent: Agent) -> None:
    run = agent.script("stat -c %a Script.sh ../out.spool ..; umask")
    assert run.stdout.decode().split()[:3] == ["700", "600", "700"]
    assert (run.directory / "exit").stat().st_mode & 0o777 == 0o600
