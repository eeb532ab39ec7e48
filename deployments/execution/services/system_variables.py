"""The system variables of a deployment or a run; all of them are texts."""

from datetime import UTC

from django.conf import settings

from deployments.access.models import User
from deployments.base import public_ids
from deployments.base.models import Space
from deployments.execution.manifest import FORCE_PACKAGE_DOWNLOAD
from deployments.execution.services.retention_variables import retention_variables
from deployments.projects.known_variables import environment_variables, project_variables
from deployments.releases.changes.queries import changes_of
from deployments.releases.changes.template import changes_text
from deployments.releases.changes.variables import changes_variables
from deployments.releases.models import Deployment, Release, Run, RunbookRun
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.states import TaskState


def system_variables(deployment: Run, task: ServerTask) -> dict[str, str]:
    """Return every system variable that is the same for the whole deployment or run."""
    own = _of_run(deployment) if isinstance(deployment, RunbookRun) else _of_release(deployment)
    return {
        **_of_deployment(deployment),
        **_of_places(deployment),
        **_of_task(task),
        **_links(deployment),
        **own,
    }


def _of_run(run: RunbookRun) -> dict[str, str]:
    return {
        **run.snapshot.naming_variables,
        "Octopus.RunbookSnapshot.Notes": run.snapshot.notes,
        "Octopus.RunbookRun.Id": run.public_id,
        "Octopus.RunbookRun.Name": str(run),
        "Octopus.RunbookRun.Comments": run.comments,
        "Octopus.RunbookRun.Created": run.created.isoformat(),
        "Octopus.RunbookRun.CreatedUtc": run.created.astimezone(UTC).isoformat(),
        "Octopus.Web.RunbookRunLink": f"/app/{run.space.slug}/tasks/ServerTasks-{run.task_id}",
        "Octopus.Web.RunbookSnapshotLink": (
            f"{_project_path(run.space, run.project.slug)}/runbooks/{run.runbook.public_id}"
            f"/snapshots/{run.snapshot.public_id}"
        ),
    }


def _of_release(deployment: Deployment) -> dict[str, str]:
    release = deployment.release
    values = {
        **_changes(deployment),
        **retention_variables(deployment),
        **_release_links(deployment),
        "Octopus.Deployment.Mode": deployment.options.get("mode", "Deploy"),
        "Octopus.Release.Id": release.public_id,
        "Octopus.Release.Number": release.version,
        "Octopus.Release.Notes": release.notes,
        "Octopus.Release.Created": release.assembled.isoformat(),
        "Octopus.Release.Channel.Id": deployment.channel.public_id,
        "Octopus.Release.Channel.Name": deployment.channel.name,
    }
    for name, text in release.custom_fields.items():
        values[f"Octopus.Release.CustomFields[{name}]"] = str(text)
    releases = Release.objects.in_space(deployment.space).filter(project=deployment.project)
    before = releases.filter(pk__lt=release.pk).order_by("-pk").values_list("pk", "version")
    _add_release(values, "Previous", before.first())
    here = (
        Deployment.objects.in_space(deployment.space)
        .filter(
            project=deployment.project,
            environment=deployment.environment,
            tenant_number=deployment.tenant_number,
            task__state=TaskState.SUCCESS,
        )
        .order_by("-pk")
        .values_list("release_id", "release__version", "pk")[:1]
    )
    for release_pk, version, deployment_pk in here:
        _add_release(values, "CurrentForEnvironment", (release_pk, version))
        _add_release(values, "PreviousForEnvironment", (release_pk, version))
        values["Octopus.Deployment.PreviousSuccessful.Id"] = f"Deployments-{deployment_pk}"
    return values


def _changes(deployment: Deployment) -> dict[str, str]:
    releases = changes_of(deployment)
    return changes_variables(releases, text=changes_text(deployment, releases))


def _add_release(values: dict[str, str], word: str, found: tuple[int, str] | None) -> None:
    if found is not None:
        values[f"Octopus.Release.{word}.Id"] = f"Releases-{found[0]}"
        values[f"Octopus.Release.{word}.Number"] = found[1]


def _of_deployment(deployment: Run) -> dict[str, str]:
    options = deployment.options
    number = public_ids.parse("Users", deployment.deployed_by)
    user = User.objects.filter(pk=number).first() if number else None
    return {
        "Octopus.Deployment.Id": deployment.public_id,
        "Octopus.Deployment.Name": str(deployment),
        "Octopus.Deployment.Comments": deployment.comments,
        "Octopus.Deployment.Created": deployment.created.isoformat(),
        "Octopus.Deployment.CreatedBy.Id": deployment.deployed_by,
        "Octopus.Deployment.CreatedBy.Username": deployment.deployed_by_name,
        "Octopus.Deployment.CreatedBy.DisplayName": (
            user.display_name if user else deployment.deployed_by_name
        ),
        "Octopus.Deployment.CreatedBy.EmailAddress": user.email if user else "",
        "Octopus.Deployment.Trigger.Id": options.get("trigger_id", ""),
        "Octopus.Deployment.Trigger.Name": options.get("trigger_name", ""),
        FORCE_PACKAGE_DOWNLOAD: str(bool(options.get("force_package_download"))),
        "Octopus.Deployment.SpecificMachines": ",".join(options.get("specific_machines") or ()),
        "Octopus.Deployment.ExcludedMachines": ",".join(options.get("excluded_machines") or ()),
    }


def _of_places(deployment: Run) -> dict[str, str]:
    return {
        **environment_variables(deployment.environment),
        **project_variables(deployment.project, deployment.space),
    }


def _of_task(task: ServerTask) -> dict[str, str]:
    values = {
        "Octopus.Task.Id": task.public_id,
        "Octopus.Task.Name": task.description,
        "Octopus.Task.QueueTime": task.queued.isoformat(),
        "Octopus.Task.QueueTimeExpiry": task.expires.isoformat() if task.expires else "",
        "Octopus.Task.ConcurrencyTag": task.concurrency_tag,
    }
    for name, text in task.arguments.items():
        values[f"Octopus.Task.Argument[{name}]"] = str(text)
    return values


def _links(deployment: Run) -> dict[str, str]:
    project = _project_path(deployment.space, deployment.project.slug)
    server = settings.OCTOPUS.server_url
    return {
        "Octopus.Web.ServerUri": server,
        "Octopus.Web.BaseUrl": server,
        "Octopus.Web.ProjectLink": project,
    }


def _release_links(deployment: Deployment) -> dict[str, str]:
    project = _project_path(deployment.space, deployment.project.slug)
    release = f"{project}/releases/{deployment.release.version}"
    return {
        "Octopus.Web.ReleaseLink": release,
        "Octopus.Web.DeploymentLink": f"{release}/deployments/{deployment.public_id}",
    }


def _project_path(space: Space, slug: str) -> str:
    return f"/app/{space.slug}/projects/{slug}"
