"""A big data set for PostgreSQL: one row of each kind is made by the services and then multiplied.

`python -m benchmarks.space.data --projects 500 --deployments 100000` fills the server of
`OCTOPUS_DATABASE_URL`. New columns need no change here: what is not said is as in the first row.
"""

import argparse
import os
import time
from dataclasses import dataclass
from typing import Any

from benchmarks.space.copies import in_bulk, multiply
from benchmarks.space.wide import add_wide

GROUPS, ENVIRONMENTS, ENVIRONMENTS_OF_A_RELEASE, TENANT_ENVIRONMENTS = 25, 8, 5, 3


@dataclass(frozen=True)
class Size:
    """How much of each; deployments and events are spread evenly over the projects.

    `hot` deployments are one project's besides, the last one's. A wide one has a release with many
    steps for many targets.
    """

    projects: int = 500
    deployments: int = 100_000
    events: int = 1_000_000
    tenants: int = 200
    hot: int = 30_000
    is_wide: bool = True

    @property
    def tenanted(self) -> int:
        """How many projects are deployed for tenants: one of ten."""
        return max(self.projects // 10, 1)

    @property
    def releases_of_a_project(self) -> int:
        return max(self.deployments // self.projects // ENVIRONMENTS_OF_A_RELEASE, 1)


def fill(size: Size) -> None:
    """Make everything in the default space; the server must be migrated and otherwise empty."""
    from django.db import connection  # noqa: PLC0415 after Django's set-up

    first = _first_rows()
    with in_bulk():
        _projects(size, first)
        _tenants(size, first)
        _releases(size, first)
        _deployments(size, first)
        if size.hot:
            _hot(size, first)
        _current(first)
        _outcomes(first)
        _events(size, first)
    if size.is_wide:
        add_wide(first.environment, first.project.lifecycle)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.in_atomic_block else "VACUUM ANALYZE")


@dataclass(frozen=True)
class _First:
    project: Any
    tenant: Any
    release: Any
    deployment: Any
    environment: Any
    groups: list[int]
    environments: list[int]


def _first_rows() -> _First:
    from tests.factories.domain import (  # noqa: PLC0415 after Django's set-up
        make_deployment,
        make_environment,
        make_group,
        make_lifecycle,
        make_release,
        script_step,
    )
    from tests.factories.tenants import (  # noqa: PLC0415 after Django's set-up
        make_tenant,
        make_tenanted_project,
    )

    names = ("Development", "Test", "Integration", "Acceptance", "Staging", "Load", "Canary")
    environments = [make_environment(name) for name in (*names, "Production")]
    groups = [make_group(f"Team {number:02}") for number in range(GROUPS)]
    project = make_tenanted_project(
        "Service 0000",
        "TenantedOrUntenanted",
        lifecycle=make_lifecycle(*environments, name="Eight steps"),
        group=groups[0],
        steps=[script_step("Deploy"), script_step("Check")],
    )
    release = make_release(project, "1.0.1")
    deployment = make_deployment(release, environments[0], state="Success")
    return _First(
        project,
        make_tenant("Tenant 000", connections={project: environments[:TENANT_ENVIRONMENTS]}),
        release,
        deployment,
        environments[0],
        [row.pk for row in groups],
        [row.pk for row in environments],
    )


def _projects(size: Size, first: _First) -> None:
    project, last = first.project, size.projects - 1
    owner = f"'Projects-' || ({project.pk} + i)"
    multiply(project.variable_set, 1, last, {"owner_id": owner})
    number = "to_char(i, 'FM0000')"
    values = {
        "name": f"'Service ' || {number}",
        "slug": f"'service-' || {number}",
        "group_id": f"(%(groups)s::bigint[])[1 + i %% {GROUPS}]",
        "variable_set_id": f"{project.variable_set_id} + i",
    }
    multiply(project, 1, last, values, groups=first.groups)
    mine = {"project_id": f"{project.pk} + i"}
    multiply(project.processes.get(), 1, last, mine)
    multiply(project.channels.get(), 1, last, mine)


def _tenants(size: Size, first: _First) -> None:
    """Connect every tenant to every tenanted project, in some of the environments."""
    from tenants.models import ConnectedEnvironment  # noqa: PLC0415 after Django's set-up

    tenant, number = first.tenant, "to_char(i, 'FM000')"
    names = {"name": f"'Tenant ' || {number}", "slug": f"'tenant-' || {number}"}
    multiply(tenant, 1, size.tenants - 1, names)
    link = tenant.connections.get()
    last = size.tenants * size.tenanted - 1
    whose = {
        "tenant_id": f"{tenant.pk} + i %% {size.tenants}",
        "project_id": f"{first.project.pk} + i / {size.tenants}",
    }
    multiply(link, 1, last, whose)
    place = ConnectedEnvironment.objects.filter(connection=link).order_by("pk")[0]
    ConnectedEnvironment.objects.filter(connection=link).exclude(pk=place.pk).delete()
    where = {
        "connection_id": f"{link.pk} + i / {TENANT_ENVIRONMENTS}",
        "environment_id": f"(%(places)s::bigint[])[1 + i %% {TENANT_ENVIRONMENTS}]",
    }
    last = (last + 1) * TENANT_ENVIRONMENTS - 1
    multiply(place, 1, last, where, places=first.environments)


def _releases(size: Size, first: _First) -> None:
    """Give every project the same numbers, the older ones first in time."""
    from deployments.releases.services.releases import version_columns  # noqa: PLC0415 as above

    columns = [version_columns(f"1.0.{n + 1}") for n in range(size.releases_of_a_project)]
    number = f"(%({{}})s::text[])[1 + i / {size.projects}]"
    names = ("version", "version_lower", "version_key")
    values = {name: number.format(name) for name in names}
    given = {name: [str(row[name]) for row in columns] for name in names}
    days = f"(({size.releases_of_a_project} - i / {size.projects}) * interval '3 days')"
    last = size.projects * size.releases_of_a_project - 1
    multiply(
        first.release,
        1,
        last,
        {
            **values,
            "project_id": f"{first.project.pk} + i %% {size.projects}",
            "channel_id": f"{first.release.channel_id} + i %% {size.projects}",
            "assembled": f't."assembled" - {days}',
        },
        **given,
    )


def _deployments(size: Size, first: _First) -> None:
    """Promote every release through some of the environments; the newest are still under way."""
    each, projects = ENVIRONMENTS_OF_A_RELEASE, size.projects
    project, turn = f"i %% {projects}", f"i / {projects}"
    release = f"{turn} / {each}"
    place = f"1 + ({turn} %% {each} + ({release}) %% 4) %% {ENVIRONMENTS}"
    environment = f"(%(places)s::bigint[])[{place}]"
    last = projects * size.releases_of_a_project * each - 1
    age = f"(({last} - i) * interval '{120 * 86400 / (last + 1):.3f} seconds')"
    task = first.deployment.task
    whose = (
        f"CASE WHEN {project} < {size.tenanted} AND {turn} %% 4 > 0"
        f" THEN {first.tenant.pk} + ({turn}) %% {size.tenants} END"
    )
    state = (
        "CASE WHEN i > %(busy)s THEN 'Queued' WHEN i %% 17 = 3 THEN 'Failed'"
        " WHEN i %% 101 = 5 THEN 'Canceled' ELSE 'Success' END"
    )
    taken = "interval '20 seconds' + (i %% 400) * interval '1 second'"
    multiply(
        task,
        1,
        last,
        {
            "project_number": f"{first.project.pk} + {project}",
            "environment_number": environment,
            "tenant_number": whose,
            "state": state,
            "concurrency_tag": f"'Projects-' || ({first.project.pk} + {project})",
            "description": f"'Deploy Service ' || to_char({project}, 'FM0000')",
            "queued": f't."queued" - {age}',
            "started": f'CASE WHEN i > %(busy)s THEN NULL ELSE t."queued" - {age} END',
            "completed": f'CASE WHEN i > %(busy)s THEN NULL ELSE t."queued" - {age} + {taken} END',
            "last_updated": f't."queued" - {age}',
            "has_warnings_or_errors": "i %% 17 = 3 OR i %% 29 = 1",
        },
        places=first.environments,
        busy=last - 40,
    )
    multiply(
        first.deployment,
        1,
        last,
        {
            "project_id": f"{first.project.pk} + {project}",
            "channel_id": f"{first.release.channel_id} + {project}",
            "release_id": f"{first.release.pk} + ({release}) * {projects} + {project}",
            "environment_id": environment,
            "tenant_number": whose,
            "task_id": f"{task.pk} + i",
            "created": f't."created" - {age}',
        },
        places=first.environments,
    )


def _hot(size: Size, first: _First) -> None:
    """Give the last project many releases more, each promoted through all environments."""
    from deployments.releases.services.releases import version_columns  # noqa: PLC0415 as above

    project, releases = size.projects - 1, size.hot // ENVIRONMENTS
    before = size.projects * size.releases_of_a_project
    columns = [version_columns(f"2.0.{number + 1}") for number in range(releases)]
    names = ("version", "version_lower", "version_key")
    multiply(
        first.release,
        before,
        before + releases - 1,
        {
            **{name: f"(%({name})s::text[])[1 + i - {before}]" for name in names},
            "project_id": f"{first.project.pk} + {project}",
            "channel_id": f"{first.release.channel_id} + {project}",
            "assembled": f"t.\"assembled\" - ({before + releases} - i) * interval '20 minutes'",
        },
        **{name: [str(row[name]) for row in columns] for name in names},
    )
    done, last = before * ENVIRONMENTS_OF_A_RELEASE, releases * ENVIRONMENTS - 1
    environment = f"(%(places)s::bigint[])[1 + (i - {done}) %% {ENVIRONMENTS}]"
    age = f"(({done + last} - i) * interval '2 minutes')"
    ended = f't."completed" - {age}'
    times = {name: f't."{name}" - {age}' for name in ("queued", "started", "last_updated")}
    task, deployment = first.deployment.task, first.deployment
    multiply(
        task,
        done,
        done + last,
        {
            **times,
            "completed": ended,
            "project_number": f"{first.project.pk} + {project}",
            "environment_number": environment,
            "concurrency_tag": f"'Projects-' || {first.project.pk + project}",
        },
        places=first.environments,
    )
    multiply(
        deployment,
        done,
        done + last,
        {
            "project_id": f"{first.project.pk} + {project}",
            "channel_id": f"{first.release.channel_id} + {project}",
            "release_id": f"{first.release.pk} + {before} + (i - {done}) / {ENVIRONMENTS}",
            "environment_id": environment,
            "task_id": f"{task.pk} + i",
            "created": f't."created" - {age}',
        },
        places=first.environments,
    )


def _current(first: _First) -> None:
    """Mark the newest deployment of each place, as if they had been created one by one."""
    from django.db import connection  # noqa: PLC0415 after Django's set-up

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE server_tasks_servertask SET is_current = id IN (SELECT max(id)"
            " FROM server_tasks_servertask WHERE kind = 'Deploy' GROUP BY project_number,"
            " environment_number, tenant_number) WHERE space_id = %s AND kind = 'Deploy'",
            [first.project.space_id],
        )


def _outcomes(first: _First) -> None:
    """Count all that has ended, with spans that are made up."""
    from django.db import connection  # noqa: PLC0415 after Django's set-up

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO insights_deploymentoutcome (space_id, project_id, environment_id,"
            " channel_number, tenant_number, release_number, deployment_number, is_success,"
            " completed, lead, recovery, duration, queueing)"
            " SELECT d.space_id, d.project_id, d.environment_id, d.channel_id, d.tenant_number,"
            " d.release_id, d.id, t.state = 'Success', t.completed, 86400 + d.id %% 864000,"
            " CASE WHEN d.id %% 17 = 4 THEN 3600 END,"
            " extract(epoch FROM t.completed - t.started), d.id %% 60"
            " FROM releases_deployment d JOIN server_tasks_servertask t ON t.id = d.task_id"
            " WHERE d.space_id = %s AND t.state IN ('Success', 'Failed')",
            [first.project.space_id],
        )


def _events(size: Size, first: _First) -> None:
    from deployments.base.models import Event, EventRelated  # noqa: PLC0415 as above

    event = Event.objects.filter(subject_id=first.deployment.public_id).order_by("-pk")[0]
    base, projects, total = Event.objects.order_by("-pk")[0].pk, size.projects, size.events
    kinds = "(ARRAY['DeploymentQueued', 'DeploymentStarted', 'DeploymentSucceeded', 'Modified'])"
    deployment = f"{first.deployment.pk} + i / 10"
    multiply(
        event,
        1,
        total,
        {
            "id": f"{base} + i",
            "category": f"{kinds}[1 + i %% 4]",
            "occurred": f"t.\"occurred\" - ({total} - i) * interval '10 seconds'",
            "subject_id": f"'Deployments-' || ({deployment})",
            "message": f"'Something happened to Service ' || to_char(i %% {projects}, 'FM0000')",
        },
    )
    place = f"(%(places)s::bigint[])[1 + i / {projects} %% {ENVIRONMENTS}]"
    for every, document in (
        (1, f"'Projects-' || ({first.project.pk} + i %% {projects})"),
        (1, "'Deployments-' || i"),
        (1, f"'Environments-' || ({place})"),
        (10, f"'Tenants-' || ({first.tenant.pk} + i %% {size.tenants})"),
    ):
        related = EventRelated.objects.create(event=event, document_id="Nothing-1")
        which = {"event_id": f"{base} + i * {every}", "document_id": document}
        multiply(related, 1, total // every, which, places=first.environments)


def main() -> None:
    """Fill the server that the environment names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.space.data", description=__doc__)
    for name in ("projects", "deployments", "events", "tenants", "hot"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Size(), name))
    size = Size(**vars(parser.parse_args()))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "octopus_site.settings")
    import django  # noqa: PLC0415 the settings come first

    django.setup()
    began = time.monotonic()
    fill(size)
    print(f"{size}: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
