"""The settings of the step, read and checked; free of the database."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agent.language import LanguageError, VariableSet, evaluate
from deployments.execution.variables import Variables, masks

PREFIX: Final = "Octopus.Action.DeployRelease"
CONDITIONS: Final = (
    ("Always", "Always"),
    ("IfNotCurrentVersion", "When it is not the release that is there now"),
    ("IfNewer", "When its number is higher than what is there now"),
)


class Wrong(ValueError):
    """A setting that cannot be used."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A variable for the other project's deployment."""

    name: str
    text: str
    is_sensitive: bool = False


def check(variables: Variables) -> str:
    """Return why the step cannot run."""
    if not variables.text(f"{PREFIX}.ProjectId").strip():
        return "The step names no project to deploy."
    condition = variables.text(f"{PREFIX}.DeploymentCondition", "Always") or "Always"
    known = [name for name, _ in CONDITIONS]
    if condition not in known:
        return f"The deployment condition {condition} is not one of {', '.join(known)}."
    if not variables.text("Octopus.Action.Package.PackageVersion"):
        return "No release of the project was chosen when this release was created."
    return ""


def passed_variables(raw: str, variables: Variables) -> list[Passed]:
    """Read `Name = value` lines or a JSON object, and fill each value in. Raises Wrong.

    Values are evaluated one by one, so that no value can add a line; one that contains a secret is
    a secret.
    """
    known = VariableSet({name: value.text for name, value in variables})
    secrets = masks(variables)
    found = []
    for name, template in _pairs(raw).items():
        try:
            text = evaluate(template, known).text
        except LanguageError as error:
            raise Wrong(f"The value of the variable {name} cannot be evaluated: {error}") from error
        found.append(Passed(name, text, any(secret in text for secret in secrets)))
    return found


def _pairs(raw: str) -> Mapping[str, str]:
    if raw.strip().startswith("{"):
        try:
            document = json.loads(raw)
        except ValueError as error:
            raise Wrong("The variables to pass are no JSON object.") from error
        return {str(name): "" if value is None else str(value) for name, value in document.items()}
    pairs = {}
    for line in filter(None, map(str.strip, raw.splitlines())):
        name, sign, text = line.partition("=")
        if not sign or not name.strip():
            raise Wrong("A variable to pass must be written as Name = value, one in each line.")
        pairs[name.strip()] = text.strip()
    return pairs
