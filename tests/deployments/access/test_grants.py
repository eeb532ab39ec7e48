"""Grants: cases from the rules, and the filter agrees with the check on anything."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.access.grant_rules import Assignment, Grants
from deployments.access.grants import held_for_a_while, load_grants
from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.errors import NotPermitted
from deployments.server_tasks.models import ServerTask
from tests.factories import default_space, give_role, make_ana, make_cleo, make_space, make_user
from tests.factories.people import as_person

P = Permission
NUMBERS = st.frozensets(st.integers(1, 3), max_size=2)


def assignment(*permissions: str, **values: Any) -> Assignment:
    return Assignment(
        permissions=frozenset(permissions),
        limits_projects=bool(values.get("projects")),
        limits_environments=bool(values.get("environments")),
        limits_tenants=bool(values.get("tenants")),
        **values,
    )


@st.composite
def assignments(draw: st.DrawFn) -> Assignment:
    return assignment(
        *draw(st.sets(st.sampled_from([P.TaskView, P.DeploymentView]))),
        projects=draw(NUMBERS),
        environments=draw(NUMBERS),
        tenants=draw(NUMBERS),
    )


def test_dimensions_of_two_roles_are_never_mixed() -> None:
    grants = Grants(
        (
            assignment(P.DeploymentCreate, projects=frozenset({1}), environments=frozenset({1})),
            assignment(P.DeploymentCreate, projects=frozenset({2}), environments=frozenset({2})),
        )
    )
    assert grants.allows(P.DeploymentCreate, project=1, environment=1)
    assert grants.allows(P.DeploymentCreate, project=2, environment=2)
    assert not grants.allows(P.DeploymentCreate, project=1, environment=2)
    assert not grants.allows(P.DeploymentCreate, project=2, environment=1)


def test_a_dimension_that_the_permission_does_not_support_is_ignored() -> None:
    grants = Grants((assignment(P.ProjectView, P.FeedEdit, environments=frozenset({1})),))
    assert grants.allows(P.ProjectView, project=9)
    assert grants.allows(P.FeedEdit)


def test_untenanted_things_and_explicit_permissions() -> None:
    grants = Grants((assignment(P.DeploymentView, P.TaskView, tenants=frozenset({1})),))
    assert grants.allows(P.TaskView, project=1, environment=1)
    assert not grants.allows(P.DeploymentView, project=1, environment=1)
    assert grants.allows(P.DeploymentView, project=1, environment=1, tenant=1)
    assert not grants.allows(P.TaskView, project=1, environment=1, tenant=2)


def test_of_several_values_each_must_be_covered() -> None:
    grants = Grants((assignment(P.MachineEdit, environments=frozenset({1, 2})),))
    assert grants.allows(P.MachineEdit, environment=[1, 2])
    assert not grants.allows(P.MachineEdit, environment=[1, 3])
    assert not grants.allows(P.MachineEdit, environment=[])


def test_a_group_covers_its_projects_and_an_empty_group_covers_none() -> None:
    limited = Assignment(
        permissions=frozenset({P.ProjectView}),
        projects=frozenset({5, 6}),
        project_groups=frozenset({2}),
        limits_projects=True,
    )
    grants = Grants((limited,))
    assert grants.allows(P.ProjectView, project=5)
    assert grants.allows(P.ProjectView, project=99, project_group=2)
    assert not grants.allows(P.ProjectView, project=99, project_group=3)
    empty = Assignment(frozenset({P.ProjectView}), limits_projects=True)
    assert not Grants((empty,)).allows(P.ProjectView, project=5)


def test_the_refusal_names_the_permission() -> None:
    with pytest.raises(NotPermitted, match="DeploymentCreate"):
        Grants().require(P.DeploymentCreate, project=1)


@pytest.fixture(scope="module")
def tasks(django_db_setup: None, django_db_blocker: Any) -> Iterator[list[ServerTask]]:
    """Tasks of every combination of values, absent ones included."""
    from deployments.base.clock import utc_now  # noqa: PLC0415

    with django_db_blocker.unblock():
        space, values = default_space(), [None, 1, 2, 3]
        made = ServerTask.objects.bulk_create(
            [
                ServerTask(
                    space=space,
                    kind="Deploy",
                    description="x",
                    queued=utc_now(),
                    last_updated=utc_now(),
                    project_number=project,
                    environment_number=environment,
                    tenant_number=tenant,
                )
                for project in values
                for environment in values
                for tenant in values
            ]
        )
        yield made
        ServerTask.objects.in_space(space).delete()


@pytest.mark.django_db
@settings(max_examples=60)
@given(held=st.lists(assignments(), max_size=4), data=st.data())
def test_the_filter_agrees_with_the_check(
    tasks: list[ServerTask], held: list[Assignment], data: st.DataObject
) -> None:
    permission = data.draw(st.sampled_from([P.TaskView, P.DeploymentView]))
    grants = Grants(tuple(held))
    rows = ServerTask.objects.in_space(default_space())
    filtered = set(rows.filter(grants.q(permission, ServerTask)).values_list("pk", flat=True))
    checked = {
        task.pk
        for task in tasks
        if grants.allows(
            permission,
            project=task.project_number,
            environment=task.environment_number,
            tenant=task.tenant_number,
        )
    }
    assert filtered == checked


@pytest.mark.django_db
def test_loading_takes_few_queries_and_once_per_request() -> None:
    space, user = default_space(), make_user()
    for number in range(4):
        give_role(user, "userroles-projectviewer", space, {"project": [f"Projects-{number + 1}"]})
    actor = as_person(user).actor
    with held_for_a_while(), CaptureQueriesContext(connection) as queries:
        grants = load_grants(actor, space)
        assert load_grants(actor, space) is grants
    assert len(queries) <= 6
    assert len(grants.assignments) == 4


@pytest.mark.django_db
def test_a_change_counts_at_once_even_inside_a_request() -> None:
    space, user = default_space(), make_user()
    actor = as_person(user).actor
    with held_for_a_while():
        assert load_grants(actor, space).is_empty()
        give_role(user, "userroles-projectviewer", space)
        assert load_grants(actor, space).allows(P.ProjectView, project=1)


@pytest.mark.django_db(transaction=True)
def test_cached_grants_go_stale_with_any_change(redis_url: str) -> None:
    space, user = default_space(), make_user()
    actor = as_person(user).actor
    assert load_grants(actor, space).is_empty()
    role = give_role(user, "userroles-projectviewer", space)
    assert load_grants(actor, space).allows_anywhere(P.ProjectView)
    from deployments.access import services  # noqa: PLC0415
    from tests.factories import SYSTEM  # noqa: PLC0415

    services.delete_scoped_role(actor=SYSTEM, scoped_role=role)
    assert load_grants(actor, space).is_empty()


@pytest.mark.django_db
def test_roles_hold_in_their_space_only() -> None:
    other = make_space()
    cleo = make_cleo(default_space())
    assert load_grants(cleo.actor, default_space()).allows(P.ProjectView, project=1)
    assert load_grants(cleo.actor, other).is_empty()
    assert not load_grants(cleo.actor, default_space()).allows(P.ProjectEdit, project=1)


@pytest.mark.django_db
def test_administrators_hold_system_permissions_and_the_system_everything() -> None:
    ana = make_ana()
    assert load_grants(ana.actor, None).allows_system(P.AdministerSystem)
    assert load_grants(ana.actor, default_space()).allows(P.FeedEdit)
    assert load_grants(Actor.system("x"), None).allows(P.FeedEdit)


@pytest.mark.django_db
def test_django_asks_the_same_roles() -> None:
    ana = make_ana()
    assert ana.user.has_perm("SpaceCreate")
    assert not ana.user.has_perm("auth.add_group")
    assert not make_user().has_perm("SpaceCreate")
