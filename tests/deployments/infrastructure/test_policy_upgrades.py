"""Upgrades that machine policies ask for, and canceling upgrades."""

from datetime import UTC, datetime

import pytest

from agent.version import VERSION
from deployments.base.models import Event
from deployments.infrastructure.models import AgentSession, AgentUpgrade, Machine
from deployments.infrastructure.services.policies import default_policy, update_machine_policy
from deployments.infrastructure.services.policy_upgrades import (
    upgrade_after_check,
    upgrade_connected,
)
from deployments.infrastructure.services.upgrades import request_upgrades
from tests.deployments.calls import S, send
from tests.deployments.infrastructure.test_upgrades import (
    categories,
    old_machine,
    stages,
    tell,
    upgrade_of,
)
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import make_environment, make_machine
from tests.factories.people import SYSTEM
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def set_policy(moment: str) -> None:
    policy = default_policy(default_space())
    behavior = "Update" if moment else "NeverUpdate"
    update = {"TentacleUpdateBehavior": behavior, "TentacleUpdateMoment": moment or "HealthCheck"}
    document = {"MachineUpdatePolicy": update}
    update_machine_policy(actor=SYSTEM, policy=policy, name=policy.name, document=document)


def checked(*machines: Machine) -> int:
    """Do what the end of a health check of the machines does."""
    rows = Machine.objects.in_space(default_space()).filter(pk__in=[row.pk for row in machines])
    related = rows.select_related("policy", "space", "agent__upgrade", "agent__session")
    return len(upgrade_after_check(default_policy(default_space()), list(related.order_by("name"))))


def test_never_after_a_check_or_always() -> None:
    machine = old_machine(make_environment())
    for moment, after_check, always in (("", 0, 0), ("HealthCheck", 1, 0), ("Connection", 0, 1)):
        set_policy(moment)
        assert (checked(machine), upgrade_connected()) == (after_check, always), moment
        AgentUpgrade.objects.all().delete()
    event = Event.objects.filter(category="MachineUpgradeRequested").latest("id")
    assert (event.actor_name, "was asked to upgrade" in event.message) == ("system", True)


def test_each_version_is_asked_for_once_and_only_where_it_can_be() -> None:
    place = make_environment()
    machine = old_machine(place, "old")
    newer = old_machine(place, "newer", "99.0.0")
    away, off = old_machine(place, "away"), old_machine(place, "off")
    current = old_machine(place, "current", VERSION)
    make_machine(place, name="bare")
    AgentSession.objects.filter(agent=away.agent_id).update(disconnected=datetime.now(UTC))
    Machine.objects.in_space(default_space()).filter(pk=off.pk).update(is_disabled=True)
    set_policy("Connection")
    assert upgrade_connected() == 1
    assert upgrade_of(machine).stage == "requested"
    assert upgrade_connected() == 0
    tell(machine, "failed", "it crashed")
    assert upgrade_connected() == 0, "people judge what has failed"
    set_policy("HealthCheck")
    assert checked(machine, newer, away, off, current) == 0
    AgentUpgrade.objects.update(version="0.0.8")
    assert checked(machine, newer, away, off, current) == 1


def test_many_go_in_waves() -> None:
    machines = [old_machine(make_environment(), f"m-{number:02}") for number in range(5)]
    set_policy("Connection")
    assert upgrade_connected() == 5
    assert stages(machines) == ["requested", *["waiting"] * 4]


def test_a_canceled_upgrade_lets_the_next_begin() -> None:
    place = make_environment()
    machines = [old_machine(place, f"m-{number}") for number in range(4)]
    ana = make_ana()
    request_upgrades(actor=ana.actor, rows=machines)
    visitor = Visitor(ana)
    path = f"infrastructure/targets/{machines[0].public_id}"
    assert "Cancel upgrade" in text_of(visitor.get(path))
    visitor.post(f"{path}/upgrade/cancel")
    page = text_of(visitor.get(path))
    assert f"Not begun: Canceled by {ana.user.display_name}." in page
    assert "Cancel upgrade" not in page
    assert stages(machines) == ["canceled", "requested", "waiting", "waiting"]
    assert categories()[-1] == "MachineUpgradeCanceled"
    tell(machines[1], "downloading")
    status, answer = send(ana, "post", f"{S}/machines/{machines[1].public_id}/upgrade/cancel")
    assert (status, "could still be canceled" in str(answer)) == (400, True)
    assert "Cancel 2 upgrades" in text_of(visitor.get("infrastructure/targets"))
    visitor.post("infrastructure/targets/upgrade/cancel")
    assert stages(machines) == ["canceled", "downloading", "canceled", "canceled"]
    tell(machines[1], "done")
    assert stages(machines) == ["canceled", "done", "canceled", "canceled"]


def test_an_agent_that_begins_nevertheless_tells_the_truth() -> None:
    machine = old_machine(make_environment())
    ana = make_ana()
    request_upgrades(actor=ana.actor, rows=[machine])
    path = f"{S}/machines/{machine.public_id}/upgrade/cancel"
    assert send(ana, "post", path)[1]["Upgrade"]["Stage"] == "canceled"
    assert tell(machine, "done")
    assert upgrade_of(machine).stage == "done"


def test_others_may_not_cancel() -> None:
    staging, production = make_environment("Staging"), make_environment("Production")
    machine = old_machine(production)
    request_upgrades(actor=SYSTEM, rows=[machine])
    space = default_space()
    people = make_ben(space, staging.public_id), make_cleo(space), make_dan(make_space())
    for person in people:
        api = f"{S}/machines/{machine.public_id}/upgrade/cancel"
        assert send(person, "post", api)[0] in {403, 404}
        body = {"MachineIds": [machine.public_id]}
        assert send(person, "post", f"{S}/machines/upgrade/cancel", body)[0] in {400, 403, 404}
        page = f"infrastructure/targets/{machine.public_id}/upgrade/cancel"
        assert Visitor(person).post(page).status_code in {403, 404}
        Visitor(person).post("infrastructure/targets/upgrade/cancel")
    assert upgrade_of(machine).stage == "requested"
