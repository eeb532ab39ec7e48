"""Script modules: scripts of the same language load them, and nothing of them stays."""

import io
import os
import signal
import time
import zipfile
from typing import Any

import pytest

Agent = Any

MODULES = {
    "Octopus.Script.Module[Say Hello!]": 'say_hello() { echo "Hello $1"; }\r\n',
    "Octopus.Script.Module.Language[Say Hello!]": "Bash",
    "Octopus.Script.Module[Sums]": "def total(*values):\n    return sum(values)\n",
    "Octopus.Script.Module.Language[Sums]": "Python",
    "Octopus.Script.Module[Old]": "function Say-Old { }",
}


@pytest.mark.parametrize(
    ("language", "body", "printed"),
    [
        ("Bash", "source SayHello.sh; say_hello you; ls; stat -c %a SayHello.sh", b"you\n"),
        ("Python", "from Sums import *; print(total(1, 2, 3))", b"6\n"),
    ],
)
def test_scripts_load_them(agent: Agent, language: str, body: str, printed: bytes) -> None:
    run = agent.script(body, language, variables=MODULES)
    assert run.exit["exit"] == 0, run.text
    assert printed in run.stdout
    if language == "Bash":
        assert b"600" in run.stdout.splitlines()
        assert b"Sums.py" not in run.stdout
    assert b"def total" not in b"".join(
        path.read_bytes() for path in run.work.rglob("*.py") if path.is_file()
    )
    assert not list(run.work.glob("SayHello*"))


@pytest.mark.parametrize(
    ("language", "load"),
    [
        ("Bash", "source Keys.sh; (source Keys.sh; echo ${#key}); sleep 30"),
        ("Python", "from Keys import *; import time; print(len(key), flush=True); time.sleep(30)"),
    ],
)
def test_one_that_holds_a_secret_is_in_memory_only(agent: Agent, language: str, load: str) -> None:
    run = agent.start_script(
        load,
        language,
        sensitive={"Key": "s3cret!!"},
        variables={
            "Octopus.Script.Module[Keys]": "key='s3cret!!'\n",
            "Octopus.Script.Module.Language[Keys]": language,
        },
    )
    while b"8\n" not in run.stdout:
        time.sleep(0.01)
    (name,) = run.work.glob("Keys.*")
    assert str(name.readlink()).startswith("/proc/self/fd/")
    files = [path for path in run.work.rglob("*") if not path.is_symlink() and path.is_file()]
    assert not [path for path in files if b"s3cret!!" in path.read_bytes()]
    os.kill(run.pid, signal.SIGKILL)
    os.waitpid(run.pid, 0)
    run.pid = 0
    assert str(name.readlink()).startswith("/proc/self/fd/")
    assert not list(run.work.rglob("__pycache__"))


def test_what_a_crash_left_is_taken_over(agent: Agent) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("PreDeploy.py", "import os; os.symlink('/proc/self/fd/77', 'SayHello.sh')")
        archive.writestr("PostDeploy.sh", "source SayHello.sh; say_hello you\n")
    run = agent.run(
        {**MODULES, "OctopusSkipFreeDiskSpaceCheck": "True"},
        kind="deploy_package",
        packages=[agent.add_package(package.getvalue())],
    )
    assert run.exit["exit"] == 0, run.text


def test_a_file_of_the_package_stays(agent: Agent) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("SayHello.sh", "say_hello() { echo mine; }\n")
        archive.writestr("PostDeploy.sh", "source SayHello.sh; say_hello\n")
    run = agent.run(
        {**MODULES, "OctopusSkipFreeDiskSpaceCheck": "True"},
        kind="deploy_package",
        packages=[agent.add_package(package.getvalue())],
    )
    assert run.exit["exit"] == 0, run.text
    assert b"mine\n" in run.stdout
    assert "The script module SayHello.sh was not delivered" in run.warnings
