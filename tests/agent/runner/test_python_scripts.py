"""Python scripts: every helper function; and what happens without PowerShell."""

import json
import shutil
from typing import Any

import pytest

Agent = Any
HARD = "ünïcode \U0001f419 'single' \"double\" \\back\nline two"


def python(agent: Agent, body: str, **options: Any) -> Any:
    return agent.script(body, "Python", **options)


def test_reads_variables(agent: Agent) -> None:
    run = python(
        agent,
        "import json\n"
        "print(json.dumps([get_octopusvariable('Hard'), octopusvariables['hARD'],"
        " 'Hard' in octopusvariables]))\n"
        "try:\n    get_octopusvariable('None')\nexcept KeyError as error:\n    print(error)\n",
        variables={"Hard": HARD},
    )
    first, second = run.stdout.decode().splitlines()
    assert json.loads(first) == [HARD, HARD, True]
    assert second == "'None'"
    assert run.exit["exit"] == 0


def test_outputs_and_sealing(agent: Agent) -> None:
    run = python(
        agent,
        "set_octopusvariable('A', get_octopusvariable('Hard'))\n"
        "set_octopusvariable('N', 5)\n"
        "set_octopusvariable('S', 'tok' + 'en-77', True)\n"
        "print('token-' + '77')\n",
        variables={"Hard": HARD},
    )
    assert run.outputs == {"A": HARD, "N": "5", "S": "token-77"}
    assert run.stdout == b"********\n"
    assert b"token-77" not in run.raw()


def test_artifacts_progress_and_levels(agent: Agent) -> None:
    run = python(
        agent,
        "open('f.bin', 'wb').write(b'1234')\n"
        "createartifact('f.bin')\ncreateartifact('f.bin', 'Named')\n"
        "updateprogress(30)\nupdateprogress(60, 'more')\n"
        "printverbose('v')\nprinthighlight('h')\nprintwait('w')\nprintwarning('!')\nprint('end')\n",
    )
    assert [(r["name"], r["length"]) for r in run.records("artifact")] == [
        ("f.bin", 4),
        ("Named", 4),
    ]
    assert [(r["percentage"], r["message"]) for r in run.records("progress")] == [
        (30, ""),
        (60, "more"),
    ]
    assert run.levels == [
        ("verbose", "v"),
        ("highlight", "h"),
        ("wait", "w"),
        ("warning", "!"),
        ("info", "end"),
    ]


def test_missing_artifact_fails(agent: Agent) -> None:
    run = python(agent, "createartifact('nowhere')")
    assert run.exit["exit"] == 1
    assert b"nowhere was not found" in run.stderr


def test_failstep(agent: Agent) -> None:
    run = python(agent, "failstep('no more disk')\nprint('never')")
    assert (run.exit["exit"], run.exit["message"]) == (1, "no more disk")
    assert b"never" not in run.stdout


def test_scripts_are_the_main_module(agent: Agent) -> None:
    run = python(
        agent,
        "# coding: latin-1\nfrom __future__ import annotations\nimport sys, pickle\n"
        "from dataclasses import dataclass\n"
        "@dataclass\nclass Point:\n    x: int\n"
        "print(__name__, pickle.loads(pickle.dumps(Point(1))), sys.argv[1:])\n",
        variables={"Octopus.Action.Script.ScriptParameters": "one 'two three'"},
    )
    assert run.stdout == b"__main__ Point(x=1) ['one', 'two three']\n", run.text


@pytest.mark.parametrize(
    ("body", "code"), [("import sys; sys.exit(7)", 7), ("1/0", 1), ("syntax error", 1)]
)
def test_exit_codes(agent: Agent, body: str, code: int) -> None:
    run = python(agent, body)
    assert run.exit["exit"] == code
    assert run.exit["reason"] == ""


def test_variables_stay_out_of_the_environment(agent: Agent) -> None:
    run = python(
        agent,
        "import os, subprocess\nprint(sorted(os.environ))\n"
        "print(subprocess.run(['ls', '/proc/self/fd'], capture_output=True).stdout)",
        sensitive={"Key": "very-secret"},
    )
    assert b"OCTOPUS_COMMAND_ID" in run.stdout
    assert b"Key" not in run.stdout


def test_powershell_runs_or_says_that_it_is_missing(agent: Agent) -> None:
    run = agent.script("Set-OctopusVariable -Name A -Value 'x'", "PowerShell")
    if shutil.which("pwsh"):
        assert run.outputs == {"A": "x"}
    else:
        assert run.exit["exit"] == 1
        assert run.exit["message"] == (
            "This machine cannot run PowerShell scripts: pwsh was not found."
        )


def test_unknown_syntax_is_refused(agent: Agent) -> None:
    run = agent.script("x", "FSharp")
    assert "FSharp" in run.exit["message"]
    assert run.exit["exit"] == 1
