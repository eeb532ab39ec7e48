"""Environments, targets, workers and policies over the REST API."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.library.services import VariableInput
from tests.deployments.calls import S, send
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import make_environment, make_machine, make_project, make_variables
from tests.factories.library import make_account
from tests.factories.people import make_holder

pytestmark = pytest.mark.django_db


def test_life_of_an_environment() -> None:
    ana = make_ana()
    status, created = send(
        ana, "post", f"{S}/environments", {"name": "Development", "Unknown": 1, "Slug": ""}
    )
    assert status == 201
    assert created["Slug"] == "development"
    assert created["SpaceId"] == "Spaces-1"
    assert created["Links"]["Self"] == f"{S}/environments/{created['Id']}"
    status, changed = send(
        ana, "put", f"{S}/environments/{created['Id']}", {**created, "Name": "Dev"}
    )
    assert (status, changed["Name"], changed["Slug"]) == (200, "Dev", "development")
    assert send(ana, "get", f"{S}/environments/development")[1]["Name"] == "Dev"
    status, error = send(ana, "post", f"{S}/environments", {"Name": "dev"})
    assert status == 400
    assert "already exists" in error["Errors"][0]
    assert send(ana, "delete", f"{S}/environments/{created['Id']}") == (200, {})
    status, gone = send(ana, "get", f"{S}/environments/{created['Id']}")
    assert status == 404
    assert "Errors" not in gone


def test_environments_v2_and_order() -> None:
    ana = make_ana()
    dev, prod = make_environment("Dev"), make_environment("Prod")
    ids = [prod.public_id, dev.public_id]
    status, rows = send(ana, "put", f"{S}/environments/sortorder", ids)
    assert (status, [row["Name"] for row in rows]) == (200, ["Prod", "Dev"])
    assert send(ana, "put", f"{S}/environments/sortorder", ids[:1])[0] == 400
    _, page = send(ana, "get", f"{S}/environments/v2?ids={','.join(ids)}&skip=0&take=2147483647")
    assert [(row["Name"], row["Type"]) for row in page["Items"]] == [
        ("Prod", "Static"),
        ("Dev", "Static"),
    ]
    assert send(ana, "get", f"{S}/environments/v2?type=Ephemeral")[1]["TotalResults"] == 0


def test_an_environment_in_use_names_its_users() -> None:
    ana = make_ana()
    environment = make_environment("Dev")
    make_machine(environment, name="web-1")
    make_variables(
        make_project("Web"),
        VariableInput("Db", "x", scope={"Environment": [environment.public_id]}),
    )
    status, error = send(ana, "delete", f"{S}/environments/{environment.public_id}")
    assert status == 400
    assert "web-1" in error["Errors"][0]
    assert "'Db' of Projects-" in error["Errors"][0]


def test_people_see_what_is_theirs() -> None:
    staging, production = make_environment("Staging"), make_environment("Production")
    make_machine(staging, name="s1")
    make_machine(production, name="p1")
    make_machine(staging, production, name="both")
    space = default_space()
    ben = make_ben(space, staging.public_id)
    _, environments = send(ben, "get", f"{S}/environments/all")
    assert [row["Name"] for row in environments] == ["Staging"]
    assert send(ben, "post", f"{S}/environments", {"Name": "New"})[0] == 403
    assert send(ben, "get", f"{S}/environments/{production.public_id}")[0] == 404
    _, machines = send(ben, "get", f"{S}/machines/all")
    assert {row["Name"]: row["EnvironmentIds"] for row in machines} == {
        "s1": [staging.public_id],
        "both": [staging.public_id],
    }
    cleo = make_cleo(space)
    assert send(cleo, "delete", f"{S}/environments/{staging.public_id}")[0] == 403
    dan = make_dan(make_space("Other"))
    assert send(dan, "get", f"{S}/environments")[0] == 404


def test_life_of_a_machine() -> None:
    ana = make_ana()
    environment = make_environment("Dev")
    body = {
        "Name": "web-1",
        "EnvironmentIds": [environment.public_id],
        "Roles": ["web", "Web", "db"],
        "MachinePolicyId": None,
        "IsDisabled": False,
        "Endpoint": {
            "CommunicationStyle": "TentaclePassive",
            "Thumbprint": "AB",
            "Uri": "https://h:10933",
        },
    }
    status, machine = send(ana, "post", f"{S}/machines", body)
    assert status == 201
    assert machine["Roles"] == ["web", "db"]
    assert machine["HealthStatus"] == "Unknown"
    assert machine["Endpoint"]["CommunicationStyle"] == "TentaclePassive"
    assert send(ana, "get", f"{S}/machineroles/all") == (200, ["db", "web"])
    assert send(ana, "get", f"{S}/machines?name=web-1&roles=DB")[1]["TotalResults"] == 1
    assert (
        send(ana, "get", f"{S}/machines?environmentIds=Environments-999999999")[1]["TotalResults"]
        == 0
    )
    path = f"{S}/machines/{machine['Id']}"
    status, machine = send(ana, "put", path, {**machine, "IsDisabled": True})
    assert (status, machine["IsDisabled"]) == (200, True)
    status, error = send(ana, "put", path, {"Name": "web-1"})
    assert status == 400
    assert "At least one environment is required." in error["Errors"]
    listed = send(ana, "get", f"{S}/environments/{environment.public_id}/machines")[1]
    assert [row["Name"] for row in listed["Items"]] == ["web-1"]
    summary = send(ana, "get", f"{S}/environments/summary")[1]
    assert summary["EnvironmentSummaries"][0]["TotalDisabledMachines"] == 1
    assert send(ana, "delete", path)[0] == 200


def test_the_account_of_an_endpoint() -> None:
    ana, place = make_ana(), make_environment("Dev")
    key, token = make_account("Root"), make_account("Robot", "Token", Token="t0ken")

    def body(account: object, style: str = "Ssh") -> dict[str, object]:
        endpoint = {"CommunicationStyle": style, "Host": "h", "Port": 22, "AccountId": account}
        return {
            "Name": "web-1",
            "EnvironmentIds": [place.public_id],
            "Roles": ["web"],
            "Endpoint": endpoint,
        }

    for wrong in ("Accounts-999999999", "Root", {"Id": 1}, "WorkerPools-1"):
        status, error = send(ana, "post", f"{S}/machines", body(wrong))
        assert status == 400
        assert error["Errors"] == [f"There is no account '{wrong}' that you may see."]
    status, error = send(ana, "post", f"{S}/machines", body(token.public_id))
    assert status == 400
    assert error["Errors"] == ["Robot is a Token; SSH takes one of SshKeyPair, UsernamePassword."]
    status, machine = send(ana, "post", f"{S}/machines", body(key.public_id))
    assert (status, machine["Endpoint"]["AccountId"]) == (201, key.public_id)
    assert send(ana, "post", f"{S}/machines", {**body(None), "Name": "web-2"})[0] == 201
    usages = send(ana, "get", f"{S}/accounts/{key.public_id}/usages")[1]
    named = {"Id": machine["Id"], "Name": "web-1"}
    known = {"TargetId": machine["Id"], "TargetName": "web-1"}
    assert usages["Targets"] == [{**named, **known}]
    status, error = send(ana, "delete", f"{S}/accounts/{key.public_id}")
    assert status == 400
    assert "used by the target web-1" in error["Errors"][0]
    # Who does not see the account keeps it, but names no other.
    editor = make_holder(default_space(), "MachineView", "MachineEdit", "EnvironmentView")
    path = f"{S}/machines/{machine['Id']}"
    assert send(editor, "put", path, {**machine, "Roles": ["db"]})[0] == 200
    assert send(editor, "put", path, body(token.public_id, "None"))[0] == 400
    assert send(ana, "get", path)[1]["Endpoint"]["AccountId"] == key.public_id


def test_the_account_of_a_worker() -> None:
    ana = make_ana()
    [pool] = send(ana, "get", f"{S}/workerpools/all")[1]
    endpoint = {"CommunicationStyle": "Ssh", "Host": "h", "AccountId": "Accounts-999999999"}
    body = {"Name": "w1", "WorkerPoolIds": [pool["Id"]], "Endpoint": endpoint}
    assert send(ana, "post", f"{S}/workers", body)[0] == 400
    endpoint["AccountId"] = make_account().public_id
    status, worker = send(ana, "post", f"{S}/workers", body)
    assert status == 201
    usages = send(ana, "get", f"{S}/accounts/{endpoint['AccountId']}/usages")[1]
    assert usages["Workers"] == [{"Id": worker["Id"], "Name": "w1"}]


def test_policies_and_pools_of_a_new_space() -> None:
    ana = make_ana()
    [policy] = send(ana, "get", f"{S}/machinepolicies/all")[1]
    assert policy["IsDefault"]
    assert policy["ConnectionConnectTimeout"] == "00:01:00"
    assert policy["MachineHealthCheckPolicy"]["HealthCheckType"] == "RunScript"
    assert send(ana, "delete", f"{S}/machinepolicies/{policy['Id']}")[0] == 400
    [pool] = send(ana, "get", f"{S}/workerpools/all")[1]
    assert (pool["IsDefault"], pool["WorkerPoolType"]) == (True, "StaticWorkerPool")
    body = {"Name": "w1", "WorkerPoolIds": [pool["Id"]], "Endpoint": {}}
    status, worker = send(ana, "post", f"{S}/workers", body)
    assert (status, worker["WorkerPoolIds"]) == (201, [pool["Id"]])
    assert send(ana, "get", f"{S}/workers?workerPoolIds={pool['Id']}")[1]["TotalResults"] == 1
    assert send(ana, "delete", f"{S}/workerpools/{pool['Id']}")[0] == 400


@pytest.mark.parametrize("path", ["environments", "machines", "workers", "machinepolicies"])
def test_lists_cost_the_same_for_many_rows(path: str) -> None:
    ana = make_ana()
    environment = make_environment("Dev")
    make_machine(environment)
    send(ana, "get", f"{S}/{path}")  # the first use of a key is written down
    with CaptureQueriesContext(connection) as few:
        send(ana, "get", f"{S}/{path}")
    for _ in range(5):
        make_machine(make_environment(), environment)
    with CaptureQueriesContext(connection) as many:
        send(ana, "get", f"{S}/{path}")
    assert len(many) == len(few)
