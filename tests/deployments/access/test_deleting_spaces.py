"""Deleting a space: when it may, what goes, what stays, and that others lose nothing."""

from typing import Any

import pytest
from django.apps import apps

from deployments.access import services
from deployments.access.models import Team
from deployments.access.permissions import Permission
from deployments.access.services.spaces import managers_team
from deployments.access.spaces import space_by_id
from deployments.base.errors import Invalid, NotFound, NotPermitted
from deployments.base.models import Deletion, Event, Space
from deployments.base.services.emptying import (
    empty_deleted_spaces,
    in_order_of_deletion,
    look_again_at_deleted_spaces,
    models_with_a_space,
)
from deployments.infrastructure.models import (
    Environment,
    Machine,
    MachinePolicy,
    Worker,
    WorkerPool,
)
from deployments.infrastructure.services.health import queue_due_checks
from deployments.infrastructure.services.workers import WorkerInput, create_worker
from deployments.projects.models import Phase, Project
from deployments.releases.models import Deployment
from deployments.releases.services.automation.scheduled import run_due_schedules
from deployments.server_tasks.services import enqueue, schedule
from deployments.server_tasks.states import TaskState
from tests.factories import SYSTEM, default_space, make_ana, make_cleo, make_space
from tests.factories.automation import make_trigger
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_machine,
    make_project,
    make_release,
)
from tests.factories.execution import NODE, SettableClock
from tests.factories.people import Person, make_holder, make_user
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def give_system(*permissions: Permission) -> Person:
    """Make somebody who holds these at system level, and sees the default space."""
    person = make_holder(default_space(), Permission.ProjectView)
    role = services.create_role(
        actor=SYSTEM, name=f"System {person.user.pk}", system_permissions=list(permissions)
    )
    team = services.create_team(
        actor=SYSTEM, space=None, name=f"Team of {person.user}", members=[person.user]
    )
    services.create_scoped_role(actor=SYSTEM, team=team, role=role, space=None)
    return person


def furnish(space: Space) -> Deployment:
    """Put a project with a deployment and a target into the space."""
    environment = make_environment("Staging", space)
    make_machine(environment, name="web")
    project = make_project("Web", lifecycle=make_lifecycle(environment, name="Only staging"))
    return make_deployment(make_release(project, "1.0.0"), environment)


def counts_in(space: Space) -> dict[str, int]:
    """Return how many rows each model has there."""
    return {
        model.__name__: model._base_manager.filter(space=space).count()
        for model in apps.get_models()
        if any(field.related_model is Space for field in model._meta.concrete_fields)
    }


def stopped(space: Space) -> Space:
    space.task_queue_stopped = True
    space.save()
    return space


def test_everything_goes_in_batches_and_other_spaces_lose_nothing() -> None:
    doomed, kept = make_space("Doomed"), make_space("Kept")
    furnish(doomed)
    furnish(kept)
    before, phases = counts_in(kept), Phase.objects.count()
    services.delete_space(actor=SYSTEM, space=stopped(doomed))
    assert space_by_id(doomed.public_id) is None
    rounds = 1
    while not empty_deleted_spaces(seconds=0):
        rounds += 1
    assert rounds > 3
    left = counts_in(doomed)
    assert left.pop("Event") > 0  # what happened stays in the audit
    assert set(left.values()) == {0}
    assert Space.every.get(pk=doomed.pk).deletion == Deletion.DONE
    assert counts_in(kept) == before
    assert Phase.objects.count() < phases
    assert Project.objects.in_space(kept).get().name == "Web"
    assert empty_deleted_spaces()


def test_what_comes_after_a_deleted_space_was_empty_goes_as_well() -> None:
    doomed = make_space("Doomed")
    services.delete_space(actor=SYSTEM, space=stopped(doomed))
    assert empty_deleted_spaces()
    look_again_at_deleted_spaces()
    assert Space.every.get(pk=doomed.pk).deletion == Deletion.DONE
    make_environment("Late", doomed)
    look_again_at_deleted_spaces()
    assert Space.every.get(pk=doomed.pk).deletion == Deletion.RUNNING
    assert empty_deleted_spaces()
    assert not Environment.objects.in_space(doomed).exists()


def test_name_and_slug_are_free_at_once() -> None:
    doomed = make_space("Blue")
    services.delete_space(actor=SYSTEM, space=stopped(doomed))
    again = make_space("Blue")
    assert (again.slug, again.pk == doomed.pk) == ("blue", False)
    event = Event.objects.get(category="Deleted", subject_id=doomed.public_id)
    assert (event.message, event.space_id) == ("Space Blue was deleted", None)


def test_it_is_refused_while_the_queue_runs_while_a_task_runs_and_for_the_default() -> None:
    space = make_space("Busy")
    deployment = furnish(space)
    with pytest.raises(Invalid, match="Stop the task queue"):
        services.delete_space(actor=SYSTEM, space=space)
    deployment.task.state = TaskState.EXECUTING
    deployment.task.save()
    with pytest.raises(Invalid, match="1 task still runs"):
        services.delete_space(actor=SYSTEM, space=stopped(space))
    with pytest.raises(Invalid, match="default space"):
        services.delete_space(actor=SYSTEM, space=stopped(default_space()))
    with pytest.raises(NotPermitted):
        services.delete_space(actor=make_cleo(space).actor, space=space)
    assert Machine.objects.in_space(space).exists()


def test_nothing_of_a_deleted_space_starts_before_its_rows_are_gone() -> None:
    clock, doomed, kept = SettableClock(), make_space("Doomed"), make_space("Kept")
    deployment, other = furnish(doomed), furnish(kept).task
    waiting = deployment.task
    trigger = make_trigger(
        deployment.project,
        {"FilterType": "OnceDailySchedule", "StartTime": "2026-01-01T02:30:00.000"},
        {
            "ActionType": "DeployNewRelease",
            "EnvironmentId": deployment.environment.public_id,
        },
    )
    services.delete_space(actor=SYSTEM, space=stopped(doomed))
    waiting.refresh_from_db()
    assert waiting.state == TaskState.CANCELED
    late = enqueue(
        actor=SYSTEM, space=doomed, kind="Deploy", description="Deploy late", arguments={}
    )
    assert schedule(node_name=NODE, clock=clock) == [other.pk]
    late.refresh_from_db()
    assert late.state == TaskState.QUEUED
    clock.forward(7 * 86400)
    assert trigger.next_run is not None
    assert run_due_schedules(clock=clock) == 0
    queue_due_checks(clock=clock)
    planned = MachinePolicy.objects.in_space(doomed).exclude(next_check=None)
    assert not planned.exists()
    assert MachinePolicy.objects.in_space(kept).exclude(next_check=None).exists()


def test_the_space_of_the_built_in_worker_stays_because_all_others_use_it() -> None:
    admins = Team.objects.get(name="Octopus Administrators")
    space = stopped(services.create_space(actor=SYSTEM, name="First", manager_teams=[admins]))
    pool = WorkerPool.objects.in_space(space).get()
    worker = create_worker(actor=SYSTEM, space=space, worker=WorkerInput("Built-in worker", [pool]))
    Worker.objects.in_space(space).update(is_built_in=True)
    with pytest.raises(Invalid, match="built-in worker of the server"):
        services.delete_space(actor=SYSTEM, space=space)
    ana = Visitor(make_ana())
    path = f"administration/spaces/{space.public_id}"
    assert "Delete the worker and restart the server" in text_of(ana.get(path))
    there = f"/app/{space.public_id}/infrastructure/workers/{worker.public_id}"
    assert "Delete worker" in text_of(ana.get(there))
    ana.post(f"{there}/delete")
    services.delete_space(actor=SYSTEM, space=space)


def test_models_come_before_those_that_they_refer_to() -> None:
    order = in_order_of_deletion(models_with_a_space())
    assert order.index(Deployment) < order.index(Project)
    assert set(order) == set(models_with_a_space())
    assert Event not in order


def test_a_space_is_created_changed_and_deleted_in_the_portal() -> None:
    person, page = make_ana(), "administration/spaces"
    ana = Visitor(person)
    refused = ana.post(f"{page}/new", {"name": "Blue"})
    assert refused.status_code == 400
    assert "needs at least one team or user" in text_of(refused)
    ana.post(f"{page}/new", {"name": "Blue", "added": [person.user.public_id]})
    blue = Space.objects.get(name="Blue")
    assert "Blue ana Running" in text_of(ana.get(page))
    assert "Stop its task queue first" in text_of(ana.get(f"{page}/{blue.public_id}"))
    sent = {"name": "Navy", "member": person.user.public_id, "task_queue_stopped": "on"}
    ana.post(f"{page}/{blue.public_id}", sent)
    assert "Type Navy to confirm" in text_of(ana.get(f"{page}/{blue.public_id}"))
    ana.post(f"{page}/{blue.public_id}/delete", {"confirm": "Blue"})
    assert Space.objects.filter(name="Navy").exists()
    ana.post(f"{page}/{blue.public_id}/delete", {"confirm": "Navy"})
    assert "Navy was deleted" in text_of(ana.get(page))
    assert ana.get(f"/app/{blue.public_id}/dashboard").status_code == 404
    assert ana.get(f"{page}/{blue.public_id}").status_code == 404


def test_a_team_that_manages_stays_when_people_are_saved_and_goes_when_unmarked() -> None:
    person = make_ana()
    ana = Visitor(person)
    space = services.create_space(
        actor=SYSTEM, name="Blue", manager_teams=[Team.objects.get(name="Octopus Administrators")]
    )
    path = f"administration/spaces/{space.public_id}"
    assert 'value="teams-administrators" checked' in ana.get(path).content.decode()
    ana.post(path, {"name": "Blue", "team": "teams-administrators", "added": person.user.public_id})
    assert 'value="teams-administrators" checked' in ana.get(path).content.decode()
    ana.post(path, {"name": "Blue", "member": person.user.public_id})
    assert 'value="teams-administrators" checked' not in ana.get(path).content.decode()


def test_a_space_keeps_a_manager_besides_its_own_team_and_there_is_always_a_default() -> None:
    ana = make_ana()
    home = default_space()
    own = managers_team(home)
    values: dict[str, Any] = {"actor": SYSTEM, "space": home, "name": home.name}
    with pytest.raises(Invalid, match="at least one team or user"):
        services.update_space(**values, manager_teams=[own], is_default=True)
    with pytest.raises(Invalid, match="Make another space the default"):
        services.update_space(**values, manager_users=[ana.user])
    other = managers_team(make_space("Other"))
    with pytest.raises(Invalid, match=f"^There is no team {other.public_id}.$"):
        services.update_space(**values, manager_teams=[other], is_default=True)
    maker = give_system(Permission.SpaceCreate).actor
    with pytest.raises(NotPermitted, match="SpaceEdit"):
        services.create_space(actor=maker, name="Mine", manager_users=[ana.user], is_default=True)


def test_a_stale_row_does_not_undo_a_deletion() -> None:
    ana, space = make_ana(), stopped(make_space("Blue"))
    stale = Space.objects.get(pk=space.pk)
    services.delete_space(actor=SYSTEM, space=space)
    with pytest.raises(NotFound):
        services.update_space(actor=SYSTEM, space=stale, name="Blue", manager_users=[ana.user])
    assert Space.every.get(pk=space.pk).deletion == Deletion.RUNNING


def test_looking_at_spaces_names_nobody_whom_one_may_not_see() -> None:
    ana, zoe = make_ana(), make_user("zoe")
    space = services.create_space(actor=SYSTEM, name="Blue", manager_users=[ana.user])
    viewer = Visitor(give_system(Permission.SpaceView))
    editor = Visitor(give_system(Permission.SpaceView, Permission.SpaceEdit))
    path = f"administration/spaces/{space.public_id}"
    sent = {"name": "Blue", "added": zoe.public_id}
    assert viewer.post(path, sent).status_code == 403
    refused = editor.post(path, sent)
    assert (refused.status_code, "zoe" in text_of(refused)) == (400, False)
    listed = text_of(editor.get("administration/spaces"))
    assert "Blue 1 that you may not see" in listed
    assert "ana" not in listed.split("Task queue")[1]


def test_people_choose_among_the_spaces_that_they_may_enter() -> None:
    blue = make_space("Blue")
    cleo = Visitor(make_cleo(default_space()))
    shown = text_of(cleo.get("/app/spaces"))
    assert default_space().name in shown
    assert blue.name not in shown
    assert cleo.get("administration/spaces").status_code == 403
    assert Visitor().get("/app/spaces").status_code == 302
