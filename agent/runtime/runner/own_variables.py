"""What only the agent knows of itself and of the command, as variables."""

from pathlib import Path

import agent
from agent.runtime.runner.command import Command
from agent.runtime.upgrade.program import own_program
from agent.runtime.variables import Variables

APPLICATIONS = "Octopus.Tentacle.Agent.ApplicationDirectoryPath"
_PRINT = ("OctopusPrintVariables", "OctopusPrintEvaluatedVariables")


def add_own_variables(variables: Variables, command: Command) -> None:
    """Add where the agent and the package of the command lie; a folder that was given stays."""
    program = str(_program_directory())
    if not variables.get(APPLICATIONS).strip():
        variables.set(APPLICATIONS, str(command.home / "applications"))
    variables.set("Octopus.Tentacle.Agent.InstanceName", command.home.name)
    variables.set("Octopus.Tentacle.Agent.ProgramDirectoryPath", program)
    variables.set("Octopus.Agent.ProgramDirectoryPath", program)
    if command.primary is not None:
        path = str(command.primary.path)
        variables.set("Octopus.Tentacle.CurrentDeployment.PackageFilePath", path)


def asked_for_values(variables: Variables) -> list[str]:
    """Return a line for each variable when one of two switches asks for them, else nothing.

    Secrets are stars. Values come evaluated from the server, so both switches print the same.
    """
    if not any(variables.flag(name) for name in _PRINT):
        return []
    ordered = sorted(variables, key=lambda each: each.name.lower())
    return [f"[{each.name}] = '{'********' if each.sensitive else each.value}'" for each in ordered]


def _program_directory() -> Path:
    """Return the folder of the agent's one file, or where its package is installed."""
    program = own_program()
    return program.parent if program else Path(agent.__file__).parents[1]
