"""Script modules: scripts of the same language load them, and nothing of them stays."""

import io
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
