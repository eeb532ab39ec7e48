"""How the sealed values of the engine are turned to another master key."""

import json

from deployments.base.resealing import Turn, register_sealed_column, turned_text
from deployments.base.secrets import secret_box
from deployments.execution.models import AgentMessage, ExecutionPlan, OutputVariable
from deployments.execution.services.mailbox import spec_place
from deployments.execution.services.outputs import secret_place
from deployments.execution.services.situation import manifest_place


def register_sealed_columns() -> None:
    """Tell where plans, messages and outputs hold sealed values."""
    register_sealed_column(ExecutionPlan, "sealed_variables", _turn_manifest)
    register_sealed_column(
        AgentMessage,
        "sealed_body",
        lambda row, turn: turn(bytes(row.sealed_body), spec_place(row.message_id)),
    )
    register_sealed_column(
        OutputVariable,
        "sealed_value",
        lambda row, turn: turn(bytes(row.sealed_value), secret_place(row.execution_id, row.name)),
    )


def _turn_manifest(row: ExecutionPlan, turn: Turn) -> bytes:
    """Turn the manifest and the sealed values of variables inside it."""
    place = manifest_place(row.task_id)
    sealed = turn(bytes(row.sealed_variables), place)
    document = json.loads(secret_box().open(sealed, place=place).reveal())
    candidates = [
        {**each, "sealed": turned_text(each["sealed"], each["place"], turn)}
        if each.get("sealed")
        else each
        for each in document["candidates"]
    ]
    if candidates == document["candidates"]:
        return sealed
    text = json.dumps({**document, "candidates": candidates}, separators=(",", ":"))
    return secret_box().seal(text, place=place)
