"""The newest deployment of each place is marked, whatever is created and deleted."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from django.db import connection

from deployments.base.errors import Invalid
from deployments.releases.models import Deployment, Release
from deployments.releases.services import editing
from deployments.releases.services.editing import delete_release
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import current as marks
from tests.factories import SYSTEM, default_space
from tests.factories.domain import make_deployment, make_environment, make_project, make_release
from tests.factories.tenants import connect, make_tenant, make_tenanted_project

pytestmark = pytest.mark.django_db


def current() -> set[int]:
    rows = ServerTask.objects.in_space(default_space()).filter(is_current=True)
    return set(rows.values_list("pk", flat=True))


def test_each_environment_and_tenant_has_one_and_what_is_newer_takes_its_place() -> None:
    test, production = make_environment("Test"), make_environment("Production")
    project = make_tenanted_project("Web", "TenantedOrUntenanted")
    tenant = make_tenant("Acme")
    connect(tenant, project, test)
    release = make_release(project, "1.0.0")
    old = make_deployment(release, test, state="Success")
    assert current() == {old.task_id}
    new = make_deployment(release, test, state="Failed")
    for_tenant = make_deployment(release, test, tenant=tenant, state="Success")
    assert current() == {new.task_id, for_tenant.task_id}
    make_deployment(release, test, state="Success")
    elsewhere = make_deployment(release, production)
    assert elsewhere.task_id in current()
    assert new.task_id not in current()
    assert len(current()) == 3


def test_what_was_there_before_is_current_again_when_the_newest_is_deleted() -> None:
    environment = make_environment("Test")
    project = make_project("Web")
    first = make_deployment(make_release(project, "1.0.0"), environment, state="Success")
    make_deployment(make_release(project, "2.0.0"), environment, state="Success")
    last = make_deployment(make_release(project, "3.0.0"), environment, state="Success")
    delete_release(actor=SYSTEM, release=last.release)
    assert len(current()) == 1
    for release in list(project.releases.exclude(pk=first.release_id)):
        delete_release(actor=SYSTEM, release=release)
    assert current() == {first.task_id}


@contextmanager
def between(place: Any, name: str, work: Callable[[], object]) -> Iterator[list[str]]:
    """Let somebody else do the work just before the function runs; what is held makes them wait."""
    original, started, refused = getattr(place, name), threading.Event(), list[str]()

    def run() -> None:
        try:
            work()
        except Invalid as error:
            refused.append(str(error))
        finally:
            connection.close()

    thread = threading.Thread(target=run)

    def patched(*arguments: Any, **named: Any) -> Any:
        if not started.is_set():
            started.set()
            thread.start()
            # Who is held up is not done by then; who is not needs less.
            thread.join(0.5)
        return original(*arguments, **named)

    with mock.patch.object(place, name, patched):
        yield refused
    thread.join()


@pytest.mark.django_db(transaction=True)
def test_a_deployment_that_begins_while_the_newest_is_deleted_is_the_only_current_one() -> None:
    environment, project = make_environment("Test"), make_project("Web")
    make_deployment(make_release(project, "1.0.0"), environment, state="Success")
    last = make_deployment(make_release(project, "2.0.0"), environment, state="Success")
    newer = make_release(project, "3.0.0")
    with between(marks, "_newest", lambda: make_deployment(newer, environment)):
        delete_release(actor=SYSTEM, release=last.release)
    found = Deployment.objects.in_space(default_space()).get(release=newer)
    assert current() == {found.task_id}


@pytest.mark.django_db(transaction=True)
def test_a_release_is_not_deleted_from_under_a_deployment_that_begins() -> None:
    environment, project = make_environment("Test"), make_project("Web")
    release = make_release(project, "1.0.0")
    again = Release.objects.in_space(default_space()).get(pk=release.pk)
    with between(editing, "remember_numbers", lambda: make_deployment(again, environment)) as told:
        delete_release(actor=SYSTEM, release=release)
    assert told == ["Release '1.0.0' was deleted meanwhile."]
    assert not ServerTask.objects.in_space(default_space()).exists()
