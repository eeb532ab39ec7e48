"""How the sealed texts that releases and what carries them out hold are turned to another key."""

from typing import Any

from deployments.base.resealing import Turn, register_sealed_column, turned_text
from deployments.library.models import variable_place
from deployments.projects.sealed import turn_process
from deployments.releases.models import (
    Deployment,
    ProcessSnapshot,
    RunbookRun,
    VariableSetSnapshot,
)
from deployments.releases.variables import form_place, passed_place


def register_sealed_columns() -> None:
    """Tell where releases, deployments and runs of runbooks hold sealed values."""
    register_sealed_column(ProcessSnapshot, "steps", _turn_steps)
    register_sealed_column(VariableSetSnapshot, "variables", _turn_variables)
    register_sealed_column(Deployment, "options", _turn_options)
    register_sealed_column(RunbookRun, "options", _turn_options)


def _turn_steps(row: ProcessSnapshot, turn: Turn) -> Any:
    return turn_process(row.steps, row.owner_id, turn)


def _turn_variables(row: VariableSetSnapshot, turn: Turn) -> Any:
    def turned(each: dict[str, Any]) -> dict[str, Any]:
        if not each["sealed"]:
            return each
        place = variable_place(row.owner_id, each["id"])
        return {**each, "sealed": turned_text(each["sealed"], place, turn)}

    return [turned(each) for each in row.variables]


def _turn_options(row: Deployment | RunbookRun, turn: Turn) -> Any:
    options = dict(row.options)
    if answers := options.get("form_values"):
        options["form_values"] = {
            name: {"sealed": turned_text(answer["sealed"], f"{form_place(row)}:{name}", turn)}
            if isinstance(answer, dict)
            else answer
            for name, answer in answers.items()
        }
    if passed := options.get("passed_variables"):
        options["passed_variables"] = [
            {**each, "sealed": turned_text(each["sealed"], passed_place(row, each["name"]), turn)}
            for each in passed
        ]
    return options
