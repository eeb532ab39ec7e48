"""The variables of one execution: what wins, what is evaluated, what conditions see."""

import time
from dataclasses import replace

import pytest

from agent.language import LimitExceeded
from deployments.execution import variables
from deployments.execution.manifest import (
    ActionData,
    MachineData,
    Manifest,
    PackageFile,
    Value,
    manifest_from_text,
    manifest_to_text,
)
from deployments.execution.plan import Group, Placement, Plan, PlannedAction, PlannedStep
from deployments.execution.progress_variables import Status
from deployments.execution.states import ExecutionState
from deployments.execution.variables import Output, Shared, masks
from deployments.library.scoping import Candidate, parse_scope

PLACES = (Placement("Machines-1", "one", 1), Placement("Machines-2", "two", 2))


def action(action_id: str, name: str) -> PlannedAction:
    return PlannedAction(action_id, name, "Octopus.Script", "1", PLACES)


def step(number: int, *actions: PlannedAction) -> PlannedStep:
    lanes = ("Machines-1", "Machines-2")
    return PlannedStep(
        f"s{number}", f"Step {number}", number, "Success", "", 0, lanes, ("web",), actions
    )


PLAN = Plan((Group((step(1, action("a", "First")),)), Group((step(2, action("b", "Second")),))))


def candidate(
    name: str, value: str, scope: dict[str, list[str]] | None = None, **more: object
) -> Candidate:
    return Candidate(
        id=f"{name}{value}",
        name=name,
        value=value,
        scope=parse_scope(scope or {}),
        **more,  # type: ignore[arg-type]
    )


MANIFEST = Manifest(
    candidates=(
        candidate("Port", "80"),
        candidate("Port", "8080", {"Machine": ["Machines-2"]}),
        candidate("Port", "9090", {"Action": ["b"], "Machine": ["Machines-2"]}),
        candidate("Url", "http://#{Octopus.Machine.Name}:#{Port}"),
        candidate("Key", "k-secret", is_sensitive=True),
        candidate("Short", "abc", is_sensitive=True),
        candidate("Loop", "#{Loop}"),
        candidate("Octopus.Release.Number", "mine"),
    ),
    system={"Octopus.Release.Number": "1.0.0"},
    actions={
        "a": ActionData({"Octopus.Action.Script.ScriptBody": Value("#{Url} #{Nope}")}),
        "b": ActionData(
            {"Octopus.Action.Secret": Value("p-secret", is_sensitive=True)},
            (PackageFile("", "Acme", "2.0.0", "feeds-builtin"), PackageFile("tool", "T", "1", "f")),
        ),
    },
    machines={
        "Machines-1": MachineData("one", ("web",)),
        "Machines-2": MachineData("two", ("web", "db")),
    },
)


def shared(outputs: list[Output] | None = None, statuses: list[Status] | None = None) -> Shared:
    return Shared(PLAN, MANIFEST, outputs or [], statuses or [])


def test_the_manifest_survives_its_text() -> None:
    assert manifest_from_text(manifest_to_text(MANIFEST)) == MANIFEST
    assert "k-secret" not in repr(Value("k-secret", is_sensitive=True))


def test_scopes_and_evaluation() -> None:
    both = shared()
    assert both.variables_of("a", "Machines-1").text("url") == "http://one:80"
    assert both.variables_of("a", "Machines-2").text("Url") == "http://two:8080"
    assert both.variables_of("b", "Machines-2").text("Url") == "http://two:9090"
    body = both.variables_of("a", "Machines-1").text("Octopus.Action.Script.ScriptBody")
    assert body == "http://one:80 #{Nope}"
    assert both.variables_of("a", "Machines-1").text("Loop") == "#{Loop}"


def test_what_cannot_be_evaluated_is_told_without_a_secret() -> None:
    more = (
        candidate("Own", "#{Key | Append #{Own}}", is_sensitive=True),
        candidate("Plain", "#{Key | FromBase64}"),
        *(candidate(f"Loop{number}", f"#{{Loop{number}}}") for number in range(10)),
    )
    manifest = replace(MANIFEST, candidates=(*MANIFEST.candidates, *more))
    problems = Shared(PLAN, manifest).variables_of("a", "Machines-1").problems
    assert len(problems) == 11
    assert problems[0].startswith("The value of Loop stays as it is written: An attempt to parse")
    asis = "stays as it is written:"
    assert problems[1] == f"The value of Own {asis} it cannot be evaluated."
    told = "a filter in it cannot work with what it is given."
    assert problems[2] == f"The value of Plain {asis} {told}"
    assert problems[-1] == "3 more values stay as they are written."
    assert "k-secret" not in "".join(problems)


def test_values_that_take_too_long_are_given_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variables, "_PATIENCE", 0.2)
    rounds = "#{each a in List}#{each b in List}#{a}#{/each}#{/each}"
    slow = (
        candidate("List", ",".join(map(str, range(300)))),
        *(candidate(f"Slow{number}", rounds) for number in range(30)),
    )
    both = Shared(PLAN, replace(MANIFEST, candidates=slow))
    began = time.process_time()
    for place in ("Machines-1", "Machines-2"):
        with pytest.raises(LimitExceeded, match=r"longer than 0\.2 seconds; the last was Slow"):
            both.variables_of("a", place)
    assert time.process_time() - began < 2


def test_system_values_cannot_be_overruled_and_actions_see_only_their_own() -> None:
    first, second = (
        shared().variables_of("a", "Machines-1"),
        shared().variables_of("b", "Machines-1"),
    )
    assert first.text("Octopus.Release.Number") == "1.0.0"
    assert first.text("Octopus.Action.Secret") == ""
    assert second.text("Octopus.Action.Script.ScriptBody") == ""
    assert second.text("Octopus.Action.Name") == "Second"
    assert second.text("Octopus.Machine.Roles") == "web"
    assert second.text("Octopus.Action.Package.PackageVersion") == "2.0.0"
    assert second.text("Octopus.Action.Package[tool].PackageId") == "T"
    assert first.text("Octopus.Action[Second].Package.PackageId") == "Acme"


def test_masks_hold_every_secret_but_very_short_ones() -> None:
    assert masks(shared().variables_of("b", "Machines-1")) == ["k-secret", "p-secret"]


def test_outputs_own_value_first_else_that_of_the_last_target() -> None:
    outputs = [
        Output("First", "Machines-2", "two", "Slot", Value("blue")),
        Output("First", "Machines-1", "one", "Slot", Value("green")),
    ]
    for order in (outputs, outputs[::-1]):
        one = shared(order).variables_of("b", "Machines-1")
        two = shared(order).variables_of("b", "Machines-2")
        name = "Octopus.Action[First].Output"
        assert (one.text(f"{name}.Slot"), two.text(f"{name}.Slot")) == ("green", "blue")
        assert one.text(f"{name}[two].Slot") == "blue"
        assert shared(order).is_true(f'#{{if {name}.Slot == "blue"}}yes#{{/if}}', "", "x")


def test_conditions() -> None:
    failed = [Status("a", "Machines-1", ExecutionState.FAILED, "boom")]
    error = "#{Octopus.Deployment.Error}"
    assert not shared().is_true(error, "", "Machines-1")
    assert shared([], failed).is_true(error, "", "Machines-1")
    assert shared([], failed).is_true(
        '#{if Octopus.Step[Step 1].Status.Code == "Failed"}1#{/if}', "", ""
    )
    assert shared().is_true('#{if Octopus.Machine.Name == "two"}1#{/if}', "b", "Machines-2")
    assert not shared().is_true('#{if Octopus.Machine.Name == "two"}1#{/if}', "b", "Machines-1")
    for falsy in ("#{Unknown}", "", "0", "False", "no", "#{Loop}", "#{if"):
        assert not shared().is_true(falsy, "", "Machines-1")


def test_a_target_gets_nothing_that_is_not_in_its_scope() -> None:
    away = {
        "Machine": ["Machines-2"],
        "Role": ["db"],
        "Environment": ["Environments-9"],
        "Tenant": ["Tenants-9"],
        "TenantTag": ["Ring/Beta"],
        "Channel": ["Channels-9"],
        "Action": ["b"],
        "ProcessOwner": ["Runbooks-9"],
        "Project": ["Projects-9"],
    }
    secrets = [
        candidate(f"Secret{n}", f"s3cret-of-{name}", {name: values}, is_sensitive=True)
        for n, (name, values) in enumerate(away.items())
    ]
    here = replace(
        MANIFEST,
        candidates=(*MANIFEST.candidates, *secrets),
        environment="Environments-1",
        tenant="Tenants-1",
        tenant_tags=("Ring/Alpha",),
        channel="Channels-1",
        process_owner="Projects-1",
        project="Projects-1",
    )
    sent = Shared(PLAN, here).variables_of("a", "Machines-1")
    assert not [name for name, value in sent if "s3cret-of" in value.text or "Secret" in name]
    other = Shared(PLAN, here).variables_of("b", "Machines-2")
    named = {value.text for name, value in other if name.startswith("Secret")}
    assert named == {"s3cret-of-Machine", "s3cret-of-Role", "s3cret-of-Action"}
