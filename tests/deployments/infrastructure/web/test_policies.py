"""The pages of machine policies, and which policy a target or worker follows."""

import pytest

from deployments.infrastructure.models import MachinePolicy, WorkerPool
from deployments.infrastructure.services.policies import (
    create_machine_policy,
    default_policy,
    health_policy_of,
    policy_document,
)
from deployments.infrastructure.services.workers import WorkerInput, create_worker
from deployments.infrastructure.web.policy_form import form_of
from tests.deployments.calls import S, send
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import make_environment, make_machine
from tests.factories.people import SYSTEM
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
LIST = "infrastructure/policies"


def fields(**changed: str) -> dict[str, str]:
    return {**form_of("Edge", "Small machines", policy_document({})), **changed}


def policy(name: str = "Edge") -> MachinePolicy:
    return create_machine_policy(actor=SYSTEM, space=default_space(), name=name)


def test_a_policy_is_created_changed_and_deleted() -> None:
    ana = Visitor(make_ana())
    assert "Script, every hour" in text_of(ana.get(LIST))
    assert "Create machine policy" in text_of(ana.get(f"{LIST}/new"))
    inline = {"script_from": "Inline", "script": "df -h\r\ntrue", "every": "2", "unit": "days"}
    ana.post(f"{LIST}/new", fields(**inline, update="Connection", take="90", take_unit="seconds"))
    row = MachinePolicy.objects.in_space(default_space()).get(name="Edge")
    rules = health_policy_of(row)
    assert rules.script == "df -h\ntrue"
    assert rules.interval is not None
    assert (rules.interval.days, rules.take_within.total_seconds()) == (2, 90)
    assert "Script, every 2 days" in text_of(ana.get(LIST))
    path = f"{LIST}/{row.public_id}"
    answer = ana.get(path)
    assert 'value="Connection" checked' in answer.content.decode()
    ana.post(
        path, fields(name="Far edge", schedule="cron", cron="0 3 * * *", cleanup="DoNotDelete")
    )
    row.refresh_from_db()
    assert (row.name, health_policy_of(row).cron) == ("Far edge", "0 3 * * *")
    ana.post(f"{path}/delete")
    assert not MachinePolicy.objects.in_space(default_space()).filter(pk=row.pk).exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"every": "soon"}, "'soon hours' is no time span"),
        ({"every": "10", "unit": "seconds"}, "must be a minute or more"),
        ({"schedule": "cron", "cron": ""}, "'nothing' is no cron expression"),
        ({"schedule": "cron", "cron": "0 3 * * *", "zone": "Mars/Base"}, "is no time zone"),
        ({"check_type": "Dance"}, "HealthCheckType must be RunScript or OnlyConnectivity"),
        ({"cleanup": ""}, "DeleteMachinesBehavior must be"),
        ({"update": "Sometimes"}, "TentacleUpdateMoment must be"),
        ({"name": "  "}, "Name is required"),
    ],
)
def test_what_is_wrong_is_said_and_kept_in_the_form(wrong: dict[str, str], sentence: str) -> None:
    answer = Visitor(make_ana()).post(f"{LIST}/new", fields(description="stays here", **wrong))
    assert answer.status_code == 400
    assert sentence in text_of(answer)
    assert "stays here" in text_of(answer)


def test_a_target_and_a_worker_choose_their_policy() -> None:
    edge, space = policy(), default_space()
    place_of_it = make_environment()
    machine = make_machine(place_of_it, name="web-01")
    pool = WorkerPool.objects.in_space(space).get(is_default=True)
    worker = create_worker(actor=SYSTEM, space=space, worker=WorkerInput("helper", [pool]))
    person = make_ana()
    ana = Visitor(person)
    place = f"infrastructure/targets/{machine.public_id}"
    assert "Machine policy Default Machine Policy" in text_of(ana.get(place))
    sent = {
        "name": "web-01",
        "roles": "web",
        "environments": [place_of_it.public_id],
    }
    ana.post(place, {**sent, "policy": edge.public_id})
    machine.refresh_from_db()
    assert machine.policy == edge
    ana.post(place, {**sent, "policy": "MachinePolicies-999999999"})
    machine.refresh_from_db()
    assert machine.policy == edge, "what does not exist changes nothing"
    pools = {"name": "helper", "pools": [pool.public_id], "policy": edge.public_id}
    ana.post(f"infrastructure/workers/{worker.public_id}", pools)
    page = text_of(ana.get(f"{LIST}/{edge.public_id}"))
    assert "Followed by 2 web-01 helper worker" in page
    for name, row in (("machines", machine), ("workers", worker)):
        status, answer = send(person, "get", f"{S}/machinepolicies/{edge.public_id}/{name}")
        assert (status, [item["Id"] for item in answer["Items"]]) == (200, [row.public_id])
    ana.post(f"{LIST}/{edge.public_id}/delete")
    machine.refresh_from_db()
    assert machine.policy == default_policy(space)


def test_who_sees_and_changes_policies() -> None:
    space, row = default_space(), policy()
    staging, production = make_environment("Staging"), make_environment("Production")
    hidden = make_machine(production, name="hidden-01")
    hidden.policy = row
    hidden.save()
    ben, cleo = make_ben(space, staging.public_id), make_cleo(space)
    path = f"{LIST}/{row.public_id}"
    for person in (ben, cleo):
        page = Visitor(person).get(path)
        if page.status_code == 200:
            assert "Save machine policy" not in text_of(page)
        assert Visitor(person).post(path, fields()).status_code == 403
        assert Visitor(person).post(f"{LIST}/new", fields()).status_code == 403
        assert Visitor(person).post(f"{path}/delete").status_code == 403
    status, answer = send(ben, "get", f"{S}/machinepolicies/{row.public_id}/machines")
    assert status == 403 or answer["Items"] == []
    dan = Visitor(make_dan(make_space()))
    assert dan.get(LIST).status_code == 404
    assert dan.get(path).status_code == 404


def test_the_default_policy_stays() -> None:
    row = default_policy(default_space())
    ana = Visitor(make_ana())
    assert "Delete machine policy" not in text_of(ana.get(f"{LIST}/{row.public_id}"))
    ana.post(f"{LIST}/{row.public_id}/delete")
    assert default_policy(default_space()) == row


def test_the_list_costs_the_same_for_many_policies(
    django_assert_max_num_queries: pytest.FixtureRequest,
) -> None:
    ana = Visitor(make_ana())
    ana.get(LIST)
    for number in range(12):
        policy(f"Policy {number}")
    with django_assert_max_num_queries(14):  # type: ignore[operator]  # a fixture of pytest-django
        ana.get(LIST)
