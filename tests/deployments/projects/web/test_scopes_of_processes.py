"""Values for a process, or for a step of one: chosen, told of, who wins, and what a run gets."""

from dataclasses import dataclass, field

import pytest

from deployments.execution.models import AgentMessage
from deployments.execution.services.advance import advance
from deployments.infrastructure.models import Environment
from deployments.library.models import Variable
from deployments.library.services import VariableInput
from deployments.projects.process import Action
from deployments.projects.queries import process_of, process_of_runbook, read_process
from deployments.server_tasks.services import schedule
from tests.deployments.calls import S, send
from tests.factories import default_space, make_ana
from tests.factories.domain import (
    make_channel,
    make_deployment,
    make_environment,
    make_lifecycle,
    make_machine,
    make_project,
    make_release,
    make_variables,
    script_step,
)
from tests.factories.execution import Scene, SettableClock, make_agent
from tests.factories.people import make_holder
from tests.factories.runbooks import make_run, make_runbook, make_snapshot
from tests.support.portal import Answer, Visitor, text_of

pytestmark = pytest.mark.django_db
PAGE = "projects/web/variables"


def child_steps() -> dict[str, object]:
    first, second = script_step("Stop", roles="web"), script_step("Wipe", roles="web")
    return {**first, "Name": "Clean", "Actions": [*first["Actions"], *second["Actions"]]}


@dataclass
class World:
    """A project that deploys with one step, and whose runbook has two in a parent step."""

    place: Environment = field(default_factory=lambda: make_environment("Production"))

    def __post_init__(self) -> None:
        self.machine = make_machine(self.place, name="web-1")
        self.project = make_project(
            "Web", lifecycle=make_lifecycle(self.place), steps=[script_step("Deploy", roles="web")]
        )
        self.runbook = make_runbook(self.project, "Restart", child_steps())
        [self.deploy] = [a for _, a in read_process(process_of(self.project)).actions()]
        of_runbook = read_process(process_of_runbook(self.runbook)).actions()
        self.stop, self.wipe = [action for _, action in of_runbook]

    def fill(self, *variables: VariableInput) -> None:
        make_variables(self.project, *variables)

    def rows(self) -> list[Variable]:
        return list(Variable.objects.in_space(self.project.space))

    def scoped(self, value: str, *actions: Action, **scope: str) -> VariableInput:
        wanted = {name: [text] for name, text in scope.items()}
        if actions:
            wanted["Action"] = [action.id for action in actions]
        return VariableInput("Level", value, scope=wanted)


@pytest.fixture
def world() -> World:
    return World()


def save(visitor: Visitor, world: World, **sent: object) -> Answer:
    fields = {name.replace("__", ":"): value for name, value in sent.items()}
    return visitor.post(f"{PAGE}/save", {"version": 0, **fields})


def verdicts(page: Answer) -> dict[str | None, str]:
    return {r.variable.value: r.verdict for group in page.context["page"] for r in group.rows}


def test_steps_of_runbooks_are_chosen_and_shown(world: World) -> None:
    ana = Visitor(make_ana())
    form = ana.get(PAGE, {"add": ""}).content.decode()
    for action, words in ((world.deploy, "Deploy"), (world.wipe, "Restart / Wipe")):
        assert f'name="scope:Action" value="{action.id}"> {words}</label>' in form
    answer = save(ana, world, name="Level", value="1", scope__Action=world.wipe.id)
    assert answer.status_code == 302
    [row] = world.rows()
    assert row.scope == {"Action": [world.wipe.id]}
    assert "step: Restart / Wipe" in text_of(ana.get(PAGE))
    assert "step: Restart / Wipe" in text_of(ana.get(PAGE, {"scope": f"Action:{world.wipe.id}"}))
    assert "No variable fits" in text_of(ana.get(PAGE, {"scope": f"Action:{world.deploy.id}"}))


def test_who_wins_in_a_step_of_a_runbook(world: World) -> None:
    world.fill(
        world.scoped("deploys", world.deploy),
        world.scoped("wipes", world.wipe),
        world.scoped("runs", ProcessOwner=world.runbook.public_id),
        world.scoped("all"),
    )
    ana = Visitor(make_ana())
    page = ana.get(PAGE, {"process": world.runbook.public_id, "step": world.wipe.id})
    assert verdicts(page) == {
        "deploys": "Other step",
        "wipes": "Wins: step",
        "runs": "Less specific",
        "all": "Less specific",
    }
    shown = page.content.decode().partition('aria-label="Step"')[2].partition("</select>")[0]
    assert f'value="{world.wipe.id}" selected' in shown
    assert world.deploy.id not in shown
    # A step of the process that was chosen before means nothing in this one.
    page = ana.get(PAGE, {"process": world.runbook.public_id, "step": world.deploy.id})
    assert verdicts(page) == {
        "deploys": "Needs a step",
        "wipes": "Needs a step",
        "runs": "Wins: process",
        "all": "Less specific",
    }
    world.fill(world.scoped("there", Environment=world.place.public_id))
    assert verdicts(ana.get(PAGE, {"target": "Machines-1"})) == {"there": "Needs an environment"}


def test_who_wins_in_a_step_of_the_deployment_process(world: World) -> None:
    world.fill(
        world.scoped("deploys", world.deploy),
        world.scoped("runs", ProcessOwner=world.runbook.public_id),
    )
    page = Visitor(make_ana()).get(PAGE, {"step": world.deploy.id})
    assert verdicts(page)["deploys"] == "Wins: step"
    assert verdicts(page)["runs"] == "Other process"


def test_the_preview_knows_each_action_of_a_step(world: World) -> None:
    world.fill(world.scoped("deploys", world.deploy), world.scoped("wipes", world.wipe))
    ana = Visitor(make_ana())
    there = {"process": world.runbook.public_id, "environment": world.place.public_id}
    shown = text_of(ana.get(f"{PAGE}/preview", {**there, "step": world.wipe.id}))
    assert "Level wipes Project Web step: Restart / Wipe" in shown
    assert "Octopus.Action.Name Wipe System" in shown
    assert "Octopus.Action.Number 1.2 System" in shown
    assert "Octopus.Step.Name Clean System" in shown
    assert "Octopus.Action.TargetRoles web System" in shown
    assert "Level" not in text_of(ana.get(f"{PAGE}/preview", {**there, "step": world.stop.id}))
    shown = text_of(ana.get(f"{PAGE}/preview", {"step": world.deploy.id}))
    assert "Level deploys" in shown
    assert "Octopus.Action.Number 1 System" in shown
    place = f"process={world.runbook.public_id}&step={world.wipe.id}"
    tried = ana.post(f"{PAGE}/tester?{place}", {"template": "<#{Level}>"})
    assert "<wipes>" in text_of(tried)


def test_a_text_in_a_step_is_tried_in_its_process(world: World) -> None:
    world.fill(
        world.scoped("wipes", world.wipe),
        world.scoped("deploys", ProcessOwner=world.project.public_id),
    )
    ana, sent = Visitor(make_ana()), {"try_environment": world.place.public_id}
    body = "prop:Octopus.Action.Script.ScriptBody"
    in_runbook = f"projects/web/runbooks/{world.runbook.public_id}/process/check"

    def tried(path: str, step: str) -> str:
        return text_of(ana.post(path, {**sent, body: "is #{Level}", "step": step}))

    assert "is wipes" in tried(in_runbook, world.wipe.id)
    assert "is #{Level}" in tried(in_runbook, world.stop.id)
    assert "is deploys" in tried("projects/web/process/check", world.deploy.id)


@pytest.mark.parametrize(
    ("actions", "owner", "channel", "note"),
    [
        (("wipe",), "runbook", "", ""),
        (("wipe",), "project", "", "Never fits: the step is of another process"),
        (("deploy",), "runbook", "", "Never fits: the step is of another process"),
        (("deploy", "wipe"), "runbook", "", ""),
        (("deploy",), "", "Channels-1", ""),
        (("wipe",), "", "Channels-1", "Never fits: runbooks have no channel"),
        (("deploy", "wipe"), "runbook", "Channels-1", "Never fits: runbooks have no channel"),
        ((), "runbook", "Channels-1", "Never fits: runbooks have no channel"),
        ((), "project", "Channels-1", ""),
    ],
)
def test_scopes_that_never_fit(
    world: World, actions: tuple[str, ...], owner: str, channel: str, note: str
) -> None:
    scope = {"ProcessOwner": getattr(world, owner).public_id} if owner else {}
    scope |= {"Channel": channel} if channel else {}
    world.fill(world.scoped("1", *(getattr(world, name) for name in actions), **scope))
    page = Visitor(make_ana()).get(PAGE)
    [group] = page.context["page"]
    assert [row.note for row in group.rows] == [note]


def test_what_the_reader_does_not_see_stays_a_scope(world: World) -> None:
    permissions = ("VariableView", "VariableEdit", "VariableViewUnscoped", "VariableEditUnscoped")
    editor = Visitor(make_holder(default_space(), "ProjectView", "EnvironmentView", *permissions))
    world.fill(
        world.scoped(
            "1", world.wipe, ProcessOwner=world.runbook.public_id, Machine="Machines-777777"
        )
    )
    [row] = world.rows()
    shown = editor.get(PAGE)
    assert "Restart" not in text_of(shown)
    assert [each.note for group in shown.context["page"] for each in group.rows] == [""]
    form = editor.get(PAGE, {"edit": row.guid}).content.decode()
    for value in (world.wipe.id, world.runbook.public_id, "Machines-777777"):
        assert f'value="{value}" checked' in form
    fields = {f"scope__{name}": values for name, values in row.scope.items()}
    sent = {**fields, "id": row.guid, "name": "Level", "value": "2", "version": 1}
    assert save(editor, world, **sent).status_code == 302
    [after] = world.rows()
    assert (after.value, after.scope) == ("2", row.scope)


def test_as_text_they_have_names_that_mean_one_thing(world: World) -> None:
    other = make_runbook(world.project, "Other", script_step("Wipe"))
    [(_, wipe)] = list(read_process(process_of_runbook(other)).actions())
    world.fill(world.scoped("1", world.wipe, wipe, ProcessOwner=other.public_id))
    ana = Visitor(make_ana())
    text = ana.get(f"{PAGE}/text").context["text"]
    assert '"Restart / Wipe",' in text
    assert '"Other / Wipe"' in text
    assert '"Other"' in text
    again = ana.post(f"{PAGE}/text", {"text": text, "version": 1})
    assert again.context["changes"] == []


def test_clients_choose_them_and_ask_who_wins(world: World) -> None:
    ana = make_ana()
    channel = make_channel(world.project, "Beta")
    path = f"{S}/projects/{world.project.public_id}/variables"
    status, body = send(ana, "get", path)
    assert status == 200
    assert body["ScopeValues"]["Actions"] == [
        {"Id": world.deploy.id, "Name": "Deploy"},
        {"Id": world.stop.id, "Name": "Stop"},
        {"Id": world.wipe.id, "Name": "Wipe"},
    ]
    assert body["ScopeValues"]["Processes"] == [
        {"Id": world.project.public_id, "Name": "Web", "ProcessType": "Deployment"},
        {"Id": world.runbook.public_id, "Name": "Restart", "ProcessType": "Runbook"},
    ]
    values = {
        "wipes": {"Action": [world.wipe.id]},
        "runs": {"ProcessOwner": [world.runbook.public_id]},
        "beta": {"Channel": [channel.public_id]},
        "deploys": {"ProcessOwner": [world.project.public_id]},
    }
    sent = [{"Name": "Level", "Value": text, "Scope": scope} for text, scope in values.items()]
    assert send(ana, "put", path, {**body, "Variables": sent})[0] == 200

    def winner(**query: str) -> list[str]:
        asked = "&".join(f"{name}={text}" for name, text in query.items())
        preview = f"{S}/variables/preview?project={world.project.public_id}&{asked}"
        return [row["Value"] for row in send(ana, "get", preview)[1]["Variables"]]

    runbook = world.runbook.public_id
    assert winner(runbook=runbook, action=world.wipe.id) == ["wipes"]
    assert winner(runbook=runbook, channel=channel.public_id) == ["runs"]
    assert winner(channel=channel.public_id) == ["beta"]
    assert winner() == ["deploys"]
    viewer = make_holder(default_space(), "ProjectView", "VariableView", "VariableViewUnscoped")
    seen = send(viewer, "get", path)[1]["ScopeValues"]
    assert [row["Name"] for row in seen["Actions"]] == ["Deploy"]
    preview = f"{S}/variables/preview?project={world.project.public_id}&runbook={runbook}"
    status, error = send(viewer, "get", preview)
    assert (status, error["Errors"]) == (
        400,
        [f"The project has no runbook '{runbook}' that you may see."],
    )


def sent_to_agent(number: int, clock: SettableClock) -> list[dict[str, str]]:
    schedule(node_name="node-1", clock=clock)
    advance(number, clock=clock)
    found = AgentMessage.objects.in_space(default_space()).filter(execution__task=number)
    scene = Scene(None, None, [], clock)  # type: ignore[arg-type]  # only its reading is used
    return [scene.variables(message) for message in found.filter(kind="run", finished=None)]


def test_a_run_and_a_deployment_get_what_is_theirs(world: World) -> None:
    make_agent(world.machine)
    world.fill(
        world.scoped("stops", world.stop),
        world.scoped("runs", ProcessOwner=world.runbook.public_id),
        world.scoped("deploys", ProcessOwner=world.project.public_id),
        VariableInput("Wiper", "alone", scope={"Action": [world.wipe.id]}),
    )
    make_snapshot(world.runbook)
    run, clock = make_run(world.runbook, world.place), SettableClock()
    [first] = sent_to_agent(run.task_id, clock)
    assert (first["Octopus.Action.Name"], first["Level"]) == ("Stop", "stops")
    assert "Wiper" not in first
    release = make_release(world.project, "1.0.0")
    deployment = make_deployment(release, world.place)
    [sent] = sent_to_agent(deployment.task_id, clock)
    assert (sent["Octopus.Action.Name"], sent["Level"]) == ("Deploy", "deploys")
    assert "Wiper" not in sent
    shown = text_of(Visitor(make_ana()).get("projects/web/releases/1.0.0/snapshot"))
    for words in ("step: Restart / Stop", "process: Restart", "process: Deployment process"):
        assert words in shown
