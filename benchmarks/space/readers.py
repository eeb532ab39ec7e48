"""People who read a big space, each as far as another kind of scope lets them."""

from collections.abc import Iterable, Mapping
from typing import Any

MANAGER = "manager"
_TEAMS, _PROJECTS_OF_A_TEAM = 20, 5


def make_readers() -> dict[str, Any]:
    """Create the readers; return a client for each, that of the manager first.

    They look at what `benchmarks.space.data` has made. One sees a project that nobody has deployed
    for the longest time, which is what walking back from the newest row finds last.
    """
    from deployments.infrastructure.models import Environment  # noqa: PLC0415 after Django's set-up
    from deployments.projects.models import Project, ProjectGroup  # noqa: PLC0415 as above
    from tenants.models import Tenant  # noqa: PLC0415 as above
    from tests.factories import default_space, make_ana  # noqa: PLC0415 as above
    from tests.support.portal import Visitor  # noqa: PLC0415 as above

    space = default_space()
    projects = [row.public_id for row in Project.objects.in_space(space).order_by("pk")]
    groups = [row.public_id for row in ProjectGroup.objects.in_space(space).order_by("name")]
    places = [row.public_id for row in Environment.objects.in_space(space).order_by("pk")]
    tenants = [row.public_id for row in Tenant.objects.in_space(space).order_by("pk")]
    one = {"project": projects[3:4], "environment": places[:1], "tenant": tenants[:1]}
    scopes: dict[str, list[Mapping[str, Iterable[str]]]] = {
        "all of the space": [{}],
        "one project": [{"project": projects[3:4]}],
        "a quiet project": [{"project": projects[-1:]}],
        "a project group": [{"project_group": groups[1:2]}],
        "two environments": [{"environment": places[:2]}],
        "a tenant": [{"tenant": tenants[5:6]}],
        "a project, its environment and tenant": [one],
        f"{_TEAMS} teams": [
            {"project": projects[at : at + _PROJECTS_OF_A_TEAM], "environment": places[at % 5 :]}
            for at in range(0, _TEAMS * _PROJECTS_OF_A_TEAM, _PROJECTS_OF_A_TEAM)
        ],
    }
    readers = {MANAGER: Visitor(make_ana()).client}
    return readers | {name: Visitor(_reader(space, each)).client for name, each in scopes.items()}


def _reader(space: Any, scopes: Iterable[Mapping[str, Iterable[str]]]) -> Any:
    """Return somebody who holds the viewer's role within each of the scopes."""
    from tests.factories import give_role, make_user  # noqa: PLC0415 after Django's set-up
    from tests.factories.people import as_person  # noqa: PLC0415 as above

    user = make_user()
    for scope in scopes:
        give_role(user, "userroles-projectviewer", space, scope)
    return as_person(user)
