"""Secrets inside a process: sealed when saved, kept when a client sends none, opened to run.

A sealed property is bound to the process it belongs to (the same for its snapshots), to the
step or action and to its name, so that a copied one cannot be opened elsewhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from deployments.base.secrets import Secret, open_text, seal_text
from deployments.projects.process.shape import (
    Action,
    Process,
    Properties,
    PropertyValue,
    is_sealed,
)


def property_place(owner_id: str, holder_id: str, name: str) -> str:
    """Return what a sealed property is bound to.

    `owner_id` is the process's public id (`deploymentprocess-Projects-1`), `holder_id` the id of
    the step or action.
    """
    return f"process:{owner_id}:{holder_id}:{name}"


def seal_process(process: Process, previous: Process, owner_id: str) -> Process:
    """Seal new secrets; one sent without a value keeps what the same action held before.

    A sealed value that a client sends itself is never taken over.
    """
    before = _holders(previous)

    def sealed(holder_id: str, properties: Properties) -> Properties:
        stored = before.get(holder_id, {})
        result: dict[str, PropertyValue] = {}
        for name, value in properties.items():
            kept = _sealed(value, stored.get(name), property_place(owner_id, holder_id, name))
            if kept is not None:
                result[name] = kept
        return result

    return _with_properties(process, sealed)


def resealed_process(process: Process, old_owner_id: str, new_owner_id: str) -> Process:
    """Return a copy whose secrets belong to another process (for a cloned project)."""

    def resealed(holder_id: str, properties: Properties) -> Properties:
        return {
            name: {
                "sealed": seal_text(
                    open_text(
                        value["sealed"], place=property_place(old_owner_id, holder_id, name)
                    ).reveal(),
                    place=property_place(new_owner_id, holder_id, name),
                )
            }
            if is_sealed(value)
            else value
            for name, value in properties.items()
        }

    return _with_properties(process, resealed)


def turned_steps(
    steps: Sequence[Mapping[str, Any]], owner_id: str, turn: Callable[[str, str], str]
) -> list[dict[str, Any]]:
    """Return a stored process with `turn(sealed, place)` in the place of each sealed text."""

    def turned(holder: Mapping[str, Any]) -> dict[str, Any]:
        properties = {
            name: {"sealed": turn(value["sealed"], property_place(owner_id, holder["Id"], name))}
            if is_sealed(value)
            else value
            for name, value in holder["Properties"].items()
        }
        return {**holder, "Properties": properties}

    return [
        {**turned(step), "Actions": [turned(action) for action in step["Actions"]]}
        for step in steps
    ]


def open_properties(
    properties: Properties, *, owner_id: str, holder_id: str
) -> dict[str, str | Secret]:
    """Return texts as they are and secrets opened."""
    opened: dict[str, str | Secret] = {}
    for name, value in properties.items():
        if is_sealed(value):
            place = property_place(owner_id, holder_id, name)
            opened[name] = open_text(value["sealed"], place=place)
        elif isinstance(value, str):
            opened[name] = value
    return opened


def _sealed(value: PropertyValue, stored: PropertyValue | None, place: str) -> PropertyValue | None:
    if isinstance(value, str):
        return value
    fields: dict[str, Any] = {name.lower(): entry for name, entry in value.items()}
    if fields.get("newvalue") is not None:
        return {"sealed": seal_text(str(fields["newvalue"]), place=place)}
    if fields.get("hasvalue") and is_sealed(stored):
        return stored
    return None


def _holders(process: Process) -> dict[str, Properties]:
    holders: dict[str, Properties] = {step.id: step.properties for step in process.steps}
    holders.update({action.id: action.properties for _, action in process.actions()})
    return holders


def _with_properties(process: Process, change: Callable[[str, Properties], Properties]) -> Process:
    def changed(action: Action) -> Action:
        return replace(action, properties=change(action.id, action.properties))

    return Process(
        tuple(
            replace(
                step,
                properties=change(step.id, step.properties),
                actions=tuple(changed(action) for action in step.actions),
            )
            for step in process.steps
        )
    )
