"""The page of retention, its REST resources, and who may open them."""

import pytest

from deployments.releases.models import Release
from deployments.server_tasks.models import ServerTask
from tests.deployments.calls import S, send
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    script_step,
)
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
PAGE = "administration/retention"


def test_it_says_for_each_release_what_becomes_of_it_and_why() -> None:
    place = make_environment("Production")
    project = make_project("Web", lifecycle=make_lifecycle(place), steps=[script_step()])
    project.lifecycle.release_retention = {
        "Strategy": "Count",
        "QuantityToKeep": 1,
        "Unit": "Items",
    }
    project.lifecycle.save()
    for _ in range(4):
        make_deployment(make_release(project), place, state="Success")
    ana = Visitor(make_ana())
    assert "There was no pass yet" in text_of(ana.get(PAGE))
    page = text_of(ana.get(PAGE, {"project": project.public_id}))
    assert "Would be deleted 1 Kept 3" in page
    assert "0.0.1 Would be deleted Production: 1 release kept already" in page
    assert "0.0.4 Kept Current in Production" in page
    assert (
        "0.0.4"
        not in text_of(ana.get(PAGE, {"project": project.public_id, "show": "deleted"})).partition(
            "Defaults"
        )[0]
    )
    assert Release.objects.in_space(project.space).count() == 4
    assert ana.get(PAGE, {"project": "Projects-999999999"}).status_code == 404


def test_passes_are_queued_from_the_page() -> None:
    ana = Visitor(make_ana())
    answer = ana.post(f"{PAGE}/run", {"do": "dry"})
    task = ServerTask.objects.in_space(default_space()).get()
    assert answer["Location"].endswith(f"/tasks/{task.public_id}")
    assert (task.kind, task.arguments) == ("Retention", {"DryRun": True})
    ana.post(f"{PAGE}/run")
    newest = ServerTask.objects.in_space(default_space()).first()
    assert newest is not None
    assert newest.arguments == {}
    assert newest.public_id in text_of(ana.get(PAGE))


def test_the_defaults_are_changed_and_refused() -> None:
    ana = Visitor(make_ana())
    fields = {
        "LifecycleRelease-keep": "days",
        "LifecycleRelease-quantity": "30",
        "LifecycleTentacle-keep": "forever",
        "RunbookRetention-keep": "items",
        "RunbookRetention-quantity": "20",
    }
    assert ana.post(PAGE, fields).status_code == 302
    assert 'name="LifecycleRelease-quantity" value="30"' in ana.get(PAGE).content.decode()
    for wrong in ("", "x", "0", "9999999"):
        answer = ana.post(PAGE, {**fields, "LifecycleRelease-quantity": wrong})
        assert answer.status_code == 400
        assert "QuantityToKeep must be" in text_of(answer)


def test_others_neither_see_nor_run_it() -> None:
    space = default_space()
    for person in (make_ben(space), make_cleo(space)):
        visitor = Visitor(person)
        assert visitor.get(PAGE).status_code == 403
        assert visitor.post(f"{PAGE}/run").status_code == 403
    dan = make_dan(make_space())
    assert Visitor(dan).get(PAGE).status_code == 404
    assert send(dan, "get", f"{S}/retentionpolicies")[0] == 404


def test_the_defaults_over_rest() -> None:
    ana, cleo, ben = make_ana(), make_cleo(default_space()), make_ben(default_space())
    path = f"{S}/retentionpolicies"
    status, found = send(cleo, "get", f"{path}?RetentionType=LifecycleRelease")
    assert (status, found["Strategy"], found["RetentionType"]) == (
        200,
        "Forever",
        "LifecycleRelease",
    )
    assert found["Id"] == "LifecycleReleaseRetentionDefault-Spaces-1"
    changed = {**found, "Strategy": "Count", "QuantityToKeep": 5, "Unit": "Days"}
    status, answer = send(ana, "put", f"{path}/{found['Id']}", changed)
    assert (status, answer["QuantityToKeep"], answer["Unit"]) == (200, 5, "Days")
    assert send(cleo, "get", f"{path}/{found['Id']}")[1] == answer
    assert [row["RetentionType"] for row in send(ben, "get", path)[1]] == [
        "LifecycleRelease",
        "LifecycleTentacle",
        "RunbookRetention",
    ]
    assert send(cleo, "put", f"{path}/{found['Id']}", changed)[0] == 403
    wrong = {**changed, "QuantityToKeep": 0}
    assert send(ana, "put", f"{path}/{found['Id']}", wrong)[0] == 400
    assert send(ana, "get", f"{path}?RetentionType=Wrong")[0] == 400
    assert send(ana, "get", f"{path}/Wrong-1")[0] == 404


def test_a_pass_may_be_asked_for_over_rest() -> None:
    body = {"Name": "Retention", "Arguments": {"DryRun": True}}
    status, task = send(make_ana(), "post", f"{S}/tasks", body)
    assert (status, task["Name"], task["State"]) == (201, "Retention", "Queued")
    assert send(make_cleo(default_space()), "post", f"{S}/tasks", body)[0] == 403
