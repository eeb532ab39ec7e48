"""Upgrades of agents: who may ask, which go first, and what agents and their silence make of it."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from agent.contracts.messages import UpgradeState
from agent.version import VERSION
from deployments.base.models import Event
from deployments.infrastructure.models import (
    Agent,
    AgentSession,
    AgentUpgrade,
    Environment,
    Machine,
    Worker,
    WorkerPool,
)
from deployments.infrastructure.services.upgrade_progress import (
    apply_upgrade_state,
    end_silent_upgrades,
    wanted_upgrades,
)
from deployments.infrastructure.services.upgrades import SILENCE, request_upgrades
from deployments.infrastructure.services.workers import WorkerInput, create_worker
from tests.deployments.calls import S, send
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import make_environment, make_machine
from tests.factories.execution import make_agent
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
OLD = "0.0.9"


def old_machine(environment: Environment, name: str = "web-01", version: str = OLD) -> Machine:
    machine = make_machine(environment, name=name)
    digest = hashlib.sha256(name.encode()).hexdigest()
    machine.agent = Agent.objects.create(
        space=machine.space, credential_sha256=digest, version=version
    )
    machine.save()
    AgentSession.objects.create(agent=machine.agent, connected=datetime.now(UTC))
    return machine


def upgrade_of(machine: Machine) -> AgentUpgrade:
    return AgentUpgrade.objects.get(agent=machine.agent_id)


def tell(machine: Machine, stage: str, detail: str = "") -> bool:
    assert machine.agent is not None
    state = UpgradeState(
        version=VERSION, stage=stage, detail=detail, request=upgrade_of(machine).request
    )
    return apply_upgrade_state(machine.agent.pk, state)


def stages(machines: list[Machine]) -> list[str]:
    return [upgrade_of(machine).stage for machine in machines]


def categories() -> list[str]:
    rows = Event.objects.filter(category__startswith="MachineUpgrade").order_by("id")
    return list(rows.values_list("category", flat=True))


def test_one_agent_from_the_button_to_its_end() -> None:
    machine = old_machine(make_environment())
    ana, path = Visitor(make_ana()), f"infrastructure/targets/{machine.public_id}"
    page = text_of(ana.get(path))
    assert f"the server has {VERSION}" in page
    ana.post(f"{path}/upgrade")
    upgrade = upgrade_of(machine)
    wanted = wanted_upgrades([upgrade.agent_id])[upgrade.agent_id]
    assert (wanted.version, wanted.url) == (VERSION, "/agent/v1/tentacle.pyz")
    program = Visitor().get("/agent/v1/tentacle.pyz")
    assert (wanted.sha256, wanted.size) == (
        hashlib.sha256(program.content).hexdigest(),
        len(program.content),
    )
    rest = {"Range": "bytes=1000-", "If-Range": program["ETag"]}
    part = Visitor().get("/agent/v1/tentacle.pyz", headers=rest)
    assert (part.status_code, part.content) == (206, program.content[1000:])
    other = Visitor().get("/agent/v1/tentacle.pyz", headers={**rest, "If-Range": '"x"'})
    assert (other.status_code, other.content) == (200, program.content)
    assert "the agent was asked" in text_of(ana.get(path))
    ana.post(f"{path}/upgrade")
    assert "is being upgraded already" in text_of(ana.get(path))
    assert tell(machine, "trying")
    assert wanted_upgrades([upgrade.agent_id]) == {}
    assert not tell(machine, "trying")
    assert not tell(machine, "dancing")
    assert tell(machine, "failed", "the new program does not start: ")
    assert not tell(machine, "done")
    assert "the version before goes on: the new program does not start" in text_of(ana.get(path))
    ana.post(f"{path}/upgrade")
    assert upgrade_of(machine).request != upgrade.request
    # What the agent repeats of the earlier request is not about this one.
    late = UpgradeState(version=VERSION, stage="failed", request=upgrade.request)
    assert not apply_upgrade_state(upgrade.agent_id, late)
    assert tell(machine, "done")
    assert categories() == [
        "MachineUpgradeRequested",
        "MachineUpgradeFailed",
        "MachineUpgradeRequested",
        "MachineUpgraded",
    ]


def test_of_many_one_goes_first_and_a_failure_halts_the_rest() -> None:
    environment = make_environment()
    machines = [old_machine(environment, f"m-{number:02}") for number in range(30)]
    ana = make_ana()
    request_upgrades(actor=ana.actor, rows=machines)
    assert stages(machines) == ["requested", *["waiting"] * 29]
    tell(machines[0], "trying")
    assert stages(machines)[1:] == ["waiting"] * 29
    tell(machines[0], "done")
    assert stages(machines) == ["done", *["requested"] * 3, *["waiting"] * 26]
    for machine in machines[1:3]:
        tell(machine, "done")
    assert stages(machines)[4:] == ["waiting"] * 26
    tell(machines[3], "refused", "locked")
    assert stages(machines)[4:] == ["requested"] * 26
    again = [old_machine(environment, f"n-{number}") for number in range(3)]
    request_upgrades(actor=ana.actor, rows=again)
    tell(again[0], "failed", "it crashed")
    assert stages(again) == ["failed", "halted", "halted"]
    assert "Not begun: Another agent of this upgrade failed." in text_of(
        Visitor(ana).get(f"infrastructure/targets/{again[1].public_id}")
    )


def test_an_agent_that_stays_silent_ends_the_upgrade() -> None:
    environment = make_environment()
    machines = [old_machine(environment, name) for name in ("one", "two")]
    ana = make_ana()
    request_upgrades(actor=ana.actor, rows=machines)
    later = datetime.now(UTC) + SILENCE + timedelta(seconds=1)
    assert end_silent_upgrades() == 0
    assert end_silent_upgrades(clock=lambda: later) == 1
    assert stages(machines) == ["silent", "halted"]
    again = Machine.objects.in_space(default_space()).get(name="two")
    request_upgrades(actor=ana.actor, rows=[again])
    # It comes back after all, and the truth is told.
    assert tell(machines[0], "done")
    assert stages(machines) == ["done", "requested"]


def test_over_the_rest_api() -> None:
    environment = make_environment()
    first, second = (old_machine(environment, name) for name in ("one", "two"))
    current = old_machine(environment, "current", VERSION)
    bare = make_machine(environment, name="bare")
    ana = make_ana()
    path = f"{S}/machines/{first.public_id}"
    assert send(ana, "get", f"{path}/connection")[1]["Upgrade"] is None
    status, answer = send(ana, "post", f"{path}/upgrade")
    assert (status, answer["Upgrade"]["Stage"], answer["Upgrade"]["Version"]) == (
        200,
        "requested",
        VERSION,
    )
    for row, text in ((current, "already"), (bare, "has no agent"), (first, "being upgraded")):
        status, error = send(ana, "post", f"{S}/machines/{row.public_id}/upgrade")
        assert (status, text in str(error)) == (400, True), error
    status, answer = send(ana, "post", f"{S}/machines/upgrade", {"MachineIds": [second.public_id]})
    assert (status, [row["Upgrade"]["Stage"] for row in answer]) == (200, ["requested"])
    assert send(ana, "post", f"{S}/machines/upgrade", {})[0] == 400
    for ids in ([], "x", [1], ["Machines-999999999"]):
        body = {"MachineIds": ids}
        assert send(ana, "post", f"{S}/machines/upgrade", body)[0] == 400


def test_a_worker_from_its_page_and_never_the_built_in_one() -> None:
    ana, path = make_ana(), "infrastructure/workers"
    space = default_space()
    pools = list(WorkerPool.objects.in_space(space))
    worker = create_worker(actor=ana.actor, space=space, worker=WorkerInput("w-1", pools))
    agent = make_agent(worker)
    Agent.objects.in_space(space).update(version=OLD)
    visitor, own = Visitor(ana), f"{path}/{worker.public_id}"
    assert "Upgrade agent" in text_of(visitor.get(own))
    assert "Upgrade the agent of w-1" in text_of(visitor.get(path))
    assert visitor.post(f"{own}/upgrade")["Location"].endswith(own)
    assert AgentUpgrade.objects.get(agent=agent).stage == "requested"
    page = text_of(visitor.get(own))
    assert "the agent was asked" in page
    assert "Upgrade agent" not in page
    AgentUpgrade.objects.all().delete()
    status, answer = send(ana, "post", f"{S}/workers/{worker.public_id}/upgrade")
    assert (status, answer["Upgrade"]["Stage"]) == (200, "requested")
    cleo = make_cleo(space)
    assert send(cleo, "post", f"{S}/workers/{worker.public_id}/upgrade")[0] in {403, 404}
    AgentUpgrade.objects.all().delete()
    Worker.objects.in_space(space).update(is_built_in=True)
    status, error = send(ana, "post", f"{S}/workers/{worker.public_id}/upgrade")
    assert (status, "upgraded with it" in str(error)) == (400, True)


def test_others_may_not_ask() -> None:
    staging, production = make_environment("Staging"), make_environment("Production")
    machine = old_machine(production)
    space = default_space()
    ben = make_ben(space, staging.public_id)
    cleo, dan = make_cleo(space), make_dan(make_space())
    for person, status in ((ben, {403, 404}), (cleo, {403, 404}), (dan, {404})):
        assert send(person, "post", f"{S}/machines/{machine.public_id}/upgrade")[0] in status
        body = {"MachineIds": [machine.public_id]}
        assert send(person, "post", f"{S}/machines/upgrade", body)[0] in {400, 403, 404}
        path = f"infrastructure/targets/{machine.public_id}/upgrade"
        assert Visitor(person).post(path).status_code in status
        Visitor(person).post("infrastructure/targets/upgrade")
    assert "Upgrade 1 agent" not in text_of(Visitor(cleo).get("infrastructure/targets"))
    assert not AgentUpgrade.objects.exists()
    ana = Visitor(make_ana())
    assert f"Upgrade 1 agent to {VERSION}" in text_of(ana.get("infrastructure/targets"))
    ana.post("infrastructure/targets/upgrade")
    assert upgrade_of(machine).stage == "requested"
