"""Processes as data, against the table of cases."""

from itertools import count
from typing import Any

import pytest

from deployments.projects.process import (
    is_sealed,
    normalized_process,
    open_properties,
    process_from_json,
    process_to_json,
    resealed_process,
    seal_process,
    unknown_action_types,
    validate_process,
)
from deployments.projects.process.json_form import InvalidProcess
from tests.support.cases import case_name, cases

OWNER = "deploymentprocess-Projects-1"


@pytest.mark.parametrize("case", cases("process", "validation"), ids=case_name)
def test_validation(case: dict[str, Any]) -> None:
    process = process_from_json(case["steps"])
    assert list(validate_process(process)) == case["errors"]
    if "unknown" in case:
        assert list(unknown_action_types(process, {"Octopus.Script"})) == case["unknown"]


def test_what_is_not_known_comes_back_as_it_was() -> None:
    step = {
        "Id": "s",
        "name": "A",
        "FutureStep": {"a": [1]},
        "Properties": {"X": "1", "Y": True, "Z": None, "N": 3},
        "Actions": [
            {
                "Id": "a",
                "Name": "A",
                "ActionType": "Acme.Rocket",
                "FutureAction": None,
                "Links": {},
                "Packages": [{"Name": "p", "PackageId": "P", "FuturePackage": 1}],
                "Properties": {"Multi": " line\n", "Odd name!": "ü"},
            }
        ],
    }
    [written] = process_to_json(process_from_json([step]))
    assert written["FutureStep"] == {"a": [1]}
    assert written["Properties"] == {"X": "1", "Y": "True", "N": "3"}
    action = written["Actions"][0]
    assert action["FutureAction"] is None
    assert "Links" not in action
    assert action["Properties"] == {"Multi": " line\n", "Odd name!": "ü"}
    assert action["Packages"][0]["FuturePackage"] == 1
    assert process_to_json(process_from_json([written])) == [written]


@pytest.mark.parametrize("steps", [[1], [{"Actions": 1}], [{"Properties": [1]}], [{"Name": {}}]])
def test_documents_of_another_form_are_refused(steps: list[Any]) -> None:
    with pytest.raises(InvalidProcess):
        process_from_json(steps)


def test_ids_and_slugs_are_given_once() -> None:
    numbers = count(1)
    action = {"Name": "Say Hello", "ActionType": "Octopus.Script", "Id": "same"}
    other = {"Name": "Say hello!", "ActionType": "Octopus.Script", "Id": "same"}
    process = normalized_process(
        process_from_json(
            [{"Name": "Say Hello", "Actions": [action]}, {"Name": "Say hello!", "Actions": [other]}]
        ),
        lambda: f"new-{next(numbers)}",
    )
    ids = [found.id for _, found in process.actions()] + [step.id for step in process.steps]
    assert len(set(ids)) == 4
    assert ids[0] == "same"
    assert [step.slug for step in process.steps] == ["say-hello", "say-hello-2"]


def test_the_primary_package_and_its_properties_agree() -> None:
    numbers = count(1)
    old = {
        "Name": "Old",
        "ActionType": "Octopus.TentaclePackage",
        "Properties": {
            "Octopus.Action.Package.PackageId": "Acme.Web",
            "Octopus.Action.Package.FeedId": "feeds-builtin",
        },
    }
    new = {
        "Name": "New",
        "ActionType": "Octopus.TentaclePackage",
        "Packages": [{"Name": "", "PackageId": "Acme.Db", "FeedId": "feeds-builtin"}],
    }
    process = normalized_process(
        process_from_json([{"Name": "A", "Actions": [old, new]}]), lambda: str(next(numbers))
    )
    first, second = process.steps[0].actions
    assert first.packages[0].package_id == "Acme.Web"
    assert second.text("Octopus.Action.Package.PackageId") == "Acme.Db"


def test_secrets_are_sealed_kept_dropped_and_bound_to_their_place() -> None:
    def process_with(value: Any) -> Any:
        action = {"Id": "a", "Name": "A", "ActionType": "t", "Properties": {"P": value}}
        return process_from_json([{"Id": "s", "Name": "A", "Actions": [action]}])

    empty = process_from_json([])
    sealed = seal_process(process_with({"HasValue": True, "NewValue": "hunter22"}), empty, OWNER)
    action = sealed.steps[0].actions[0]
    assert is_sealed(action.properties["P"])
    assert "hunter22" not in str(process_to_json(sealed))
    opened = open_properties(action.properties, owner_id=OWNER, holder_id="a")
    assert str(opened["P"]) == "********"
    kept = seal_process(process_with({"HasValue": True, "NewValue": None}), sealed, OWNER)
    assert kept.steps[0].actions[0].properties == action.properties
    dropped = seal_process(process_with({"HasValue": False, "NewValue": None}), sealed, OWNER)
    assert dropped.steps[0].actions[0].properties == {}
    smuggled = seal_process(process_with(dict(action.properties["P"])), empty, OWNER)
    assert smuggled.steps[0].actions[0].properties == {}
    copied = resealed_process(sealed, OWNER, "deploymentprocess-Projects-2")
    again = open_properties(
        copied.steps[0].actions[0].properties,
        owner_id="deploymentprocess-Projects-2",
        holder_id="a",
    )["P"]
    assert not isinstance(again, str)
    assert again.reveal() == "hunter22"
