"""Tag sets, tenants and projects that are deployed for them."""

from collections.abc import Mapping, Sequence
from typing import Any

from deployments.base.models import Space
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from tenants.models import TagSet, Tenant
from tenants.services import TenantInput, connect_project, create_tenant
from tenants.services.tag_sets import TagInput, TagSetInput, create_tag_set
from tests.factories.domain import make_project
from tests.factories.numbers import NUMBERS
from tests.factories.people import SYSTEM
from tests.factories.spaces import default_space


def make_tag_set(
    name: str = "Ring", *tags: str, space: Space | None = None, **fields: Any
) -> TagSet:
    """Create a tag set; without tags it has Alpha and Beta."""
    wanted = [TagInput(tag) for tag in tags or ("Alpha", "Beta")]
    return create_tag_set(
        actor=SYSTEM, space=space or default_space(), tag_set=TagSetInput(name, wanted, **fields)
    )


def make_tenant(
    name: str = "",
    *tags: str,
    connections: Mapping[Project, Sequence[Environment]] | None = None,
    space: Space | None = None,
    **fields: Any,
) -> Tenant:
    """Create a tenant with tags by their canonical names."""
    tenant = TenantInput(
        name or f"Tenant {next(NUMBERS)}", tags=tags, connections=connections, **fields
    )
    return create_tenant(actor=SYSTEM, space=space or default_space(), tenant=tenant)


def make_tenanted_project(name: str = "", mode: str = "Tenanted", **fields: Any) -> Project:
    """Create a project that is deployed for tenants."""
    return make_project(name, extra={"TenantedDeploymentMode": mode}, **fields)


def connect(tenant: Tenant, project: Project, *environments: Environment) -> None:
    """Connect the tenant to the project in exactly these environments."""
    connect_project(actor=SYSTEM, tenant=tenant, project=project, environments=environments)
