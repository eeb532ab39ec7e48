"""The newest deployment of each place is marked, whatever is created and deleted."""

import pytest

from deployments.releases.services.editing import delete_release
from deployments.server_tasks.models import ServerTask
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
