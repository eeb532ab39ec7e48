"""Roles that are limited to tenants' tags: OR within a set, AND across sets, for all they touch."""

import pytest

from deployments.access.grants import load_grants
from deployments.access.permissions import Permission
from deployments.infrastructure.models import Machine
from deployments.library.tenancy import Tenancy
from deployments.releases.models import Deployment
from tests.factories import default_space, give_role, make_user
from tests.factories.domain import (
    make_deployment,
    make_environment,
    make_lifecycle,
    make_machine,
    make_release,
    script_step,
)
from tests.factories.people import as_person
from tests.factories.tenants import make_tag_set, make_tenant, make_tenanted_project

pytestmark = pytest.mark.django_db


def test_a_role_for_tags_of_two_sets() -> None:
    make_tag_set("Ring", "Early", "Late", "Never")
    make_tag_set("Region", "North", "South")
    dev = make_environment("Dev")
    project = make_tenanted_project("Web", lifecycle=make_lifecycle(dev), steps=[script_step()])
    tenants = {
        name: make_tenant(name, *tags, connections={project: [dev]})
        for name, tags in {
            "both": ["Ring/Early", "Region/North"],
            "other ring": ["Ring/Late", "Region/North"],
            "wrong ring": ["Ring/Never", "Region/North"],
            "no ring": ["Region/North"],
            "south": ["Ring/Early", "Region/South"],
        }.items()
    }
    release = make_release(project)
    for name, tenant in tenants.items():
        make_deployment(release, dev, tenant=tenant)
        tenancy = Tenancy("Tenanted", tenants=(tenant.public_id,))
        make_machine(dev, name=name, tenancy=tenancy)
    user = make_user()
    scope = {"tenant_tag": ["Ring/Early", "Ring/Late", "Region/North"]}
    for role in ("userroles-environmentviewer", "userroles-deploymentcreator"):
        give_role(user, role, default_space(), scope)
    actor = as_person(user).actor
    grants = load_grants(actor, default_space())
    may = {
        name
        for name, tenant in tenants.items()
        if grants.allows(
            Permission.DeploymentCreate,
            project=project.pk,
            project_group=project.group_id,
            environment=dev.pk,
            tenant=tenant.pk,
        )
    }
    assert may == {"both", "other ring"}
    numbers = {tenant.pk: name for name, tenant in tenants.items()}
    seen = Deployment.objects.visible_to(actor, default_space(), Permission.DeploymentView)
    assert {numbers[row.tenant_number or 0] for row in seen} == may
    machines = Machine.objects.visible_to(actor, default_space(), Permission.MachineView)
    assert {row.name for row in machines} == may
