"""What the agent adds to the variables of a command, and prints of them when it is asked."""

import re
from pathlib import Path

from tests.agent.runner.conftest import Agent
from tests.factories.packages import zip_of
from tests.support.cases import documented, general, system_variables

_PLACE = {
    "Octopus.Environment.Id": "Environments-1",
    "Octopus.Project.Id": "Projects-1",
    "Octopus.Action.Id": "a",
    "Octopus.Machine.Id": "Machines-1",
}


def test_what_is_promised_is_there(agent: Agent) -> None:
    package = agent.add_package(zip_of({"app.txt": b"1"}))
    references = [
        agent.add_package(zip_of({"tool": b"1"}), name="Ref"),
        agent.add_package(zip_of({"tool": b"2"}), name="File", extract=False),
    ]
    features = {
        "Octopus.Action.EnabledFeatures": "Octopus.Features.CustomScripts",
        "Octopus.Action.CustomScripts.PostDeploy.py": "for n in octopusvariables: print('has', n)",
    }
    options = {"kind": "deploy_package", "packages": [package, *references]}
    agent.run({**_PLACE, **features}, **options)
    run = agent.run({**_PLACE, **features}, **options)
    assert run.exit["exit"] == 0, run.text
    has = {general(name) for name in re.findall(r"^has (.+)$", run.text, re.MULTILINE)}
    assert [
        n for n in documented(system_variables())["From the agent"] if general(n) not in has
    ] == []


def test_the_directory_of_packages_may_be_given(agent: Agent, tmp_path: Path) -> None:
    package = agent.add_package(zip_of({"app.txt": b"1"}))
    given = {"Octopus.Tentacle.Agent.ApplicationDirectoryPath": str(tmp_path / "apps")}
    run = agent.run(given, kind="deploy_package", packages=[package])
    assert run.exit["exit"] == 0, run.text
    assert (tmp_path / "apps/Acme.Web/1.0.0/app.txt").is_file()


def test_variables_are_printed_when_that_is_asked_for(agent: Agent) -> None:
    given = {"Zone": "north", "color": "blue"}
    secret = {"Key": "hush-hush", "Pin": "12"}
    silent = agent.script("echo hi", variables=given, sensitive=secret)
    assert "[color]" not in silent.text
    for switch in ("OctopusPrintVariables", "OctopusPrintEvaluatedVariables"):
        run = agent.script("echo hi", variables={**given, switch: "True"}, sensitive=secret)
        lines = [line for level, line in run.levels if level == "verbose"]
        assert lines.index("[color] = 'blue'") < lines.index("[Key] = '********'")
        assert "[Pin] = '********'" in lines
        assert "[Zone] = 'north'" in lines
        assert b"hush-hush" not in run.raw()


def test_what_the_server_found_wrong_stands_in_the_log(agent: Agent) -> None:
    run = agent.run({**_PLACE, "Octopus.Action.Script.ScriptBody": "true"}, warnings=["Url loops."])
    assert run.warnings == "Url loops."
