"""Releases and deployments in the form of the wire."""

from collections.abc import Mapping
from typing import Any, Final

from deployments.base.api.dates import to_wire
from deployments.base.api.links import space_path
from deployments.releases.models import Deployment, Frozen, Release, Run
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.states import TaskState

# Of a release, a list names the snapshots and need not read what was frozen in them.
FROZEN_CONTENTS: Final = ("process_snapshot__steps", "variable_snapshot__variables")


def release_resource(row: Release) -> dict[str, Any]:
    """Return a release; give it with snapshots selected and packages prefetched."""
    return {
        "Id": row.public_id,
        "SpaceId": f"Spaces-{row.space_id}",
        "ProjectId": f"Projects-{row.project_id}",
        "ChannelId": f"Channels-{row.channel_id}",
        "Version": row.version,
        "ReleaseNotes": row.notes,
        "Assembled": to_wire(row.assembled),
        "IgnoreChannelRules": row.ignore_channel_rules,
        "ProjectDeploymentProcessSnapshotId": row.process_snapshot.public_id,
        "ProjectVariableSetSnapshotId": row.variable_snapshot.public_id,
        "LibraryVariableSetSnapshotIds": [entry["id"] for entry in row.library_snapshots],
        "SelectedPackages": packages_resource(row),
        "SelectedGitResources": [],
        "BuildInformation": row.build_information,
        "CustomFields": row.custom_fields,
        "VersionControlReference": None,
        "Links": _release_links(row),
    }


def packages_resource(row: Frozen) -> list[dict[str, Any]]:
    """Return the frozen versions of packages."""
    return [
        {
            "ActionName": package.action_name,
            "StepName": package.step_name,
            "PackageReferenceName": package.reference_name,
            "Version": package.version,
        }
        for package in row.selected_packages.all()
    ]


def run_resource(row: Run) -> dict[str, Any]:
    """Return what a deployment and a runbook run have in common."""
    task, options = row.task, row.options
    return {
        "Id": row.public_id,
        "SpaceId": f"Spaces-{row.space_id}",
        "EnvironmentId": f"Environments-{row.environment_id}",
        "TenantId": f"Tenants-{row.tenant_number}" if row.tenant_number else None,
        "ProjectId": f"Projects-{row.project_id}",
        "TaskId": f"ServerTasks-{row.task_id}",
        "Name": str(row),
        "Comments": row.comments or None,
        "Created": to_wire(row.created),
        "ManifestVariableSetId": f"variableset-{row.public_id}",
        "SkipActions": options.get("skip_actions", []),
        "SpecificMachineIds": options.get("specific_machines", []),
        "ExcludedMachineIds": options.get("excluded_machines", []),
        "SpecificTargetTagIds": options.get("specific_tags", []),
        "ExcludedTargetTagIds": options.get("excluded_tags", []),
        "ForcePackageDownload": bool(options.get("force_package_download")),
        "UseGuidedFailure": bool(options.get("use_guided_failure")),
        "FormValues": _shown_answers(options.get("form_values", {})),
        "QueueTime": to_wire(task.not_before),
        "QueueTimeExpiry": to_wire(task.expires),
        "FailureEncountered": task.state == TaskState.FAILED,
        "DeployedBy": row.deployed_by_name,
        "DeployedById": row.deployed_by,
        "DeployedToMachineIds": list(row.deployed_machines),
        "Priority": options.get("priority", "LifecycleDefault"),
    }


def deployment_resource(row: Deployment) -> dict[str, Any]:
    """Return a deployment; give it with task, environment and release's snapshot selected."""
    space = f"Spaces-{row.space_id}"
    return {
        **run_resource(row),
        "ReleaseId": f"Releases-{row.release_id}",
        "ChannelId": f"Channels-{row.channel_id}",
        "DeploymentProcessId": row.release.process_snapshot.public_id,
        "ForcePackageRedeployment": bool(row.options.get("force_package_redeployment")),
        "Changes": [],
        "ChangesMarkdown": "",
        "Links": {
            "Self": space_path(space, "deployments", row.public_id),
            "Task": space_path(space, "tasks", f"ServerTasks-{row.task_id}"),
            "Release": space_path(space, "releases", f"Releases-{row.release_id}"),
            "Environment": space_path(space, "environments", f"Environments-{row.environment_id}"),
            "Project": space_path(space, "projects", f"Projects-{row.project_id}"),
        },
    }


def task_summary(task: ServerTask) -> dict[str, Any]:
    """Return what a progression says about a task."""
    state = TaskState.EXECUTING if task.state == TaskState.PAUSED else task.state
    return {
        "Id": task.public_id,
        "Name": task.kind,
        "Description": task.description,
        "State": str(state),
        "IsCompleted": task.is_completed,
        "FinishedSuccessfully": task.finished_successfully,
        "QueueTime": to_wire(task.queued),
        "StartTime": to_wire(task.started),
        "CompletedTime": to_wire(task.completed),
        "ErrorMessage": task.error_message,
        "HasPendingInterruptions": task.has_pending_interruptions,
        "HasWarningsOrErrors": task.has_warnings_or_errors,
        "Links": {"Self": space_path(f"Spaces-{task.space_id}", "tasks", task.public_id)},
    }


def _release_links(row: Release) -> dict[str, str]:
    space = f"Spaces-{row.space_id}"
    path = space_path(space, "releases", row.public_id)
    return {
        "Self": path,
        "Project": space_path(space, "projects", f"Projects-{row.project_id}"),
        "Progression": f"{path}/progression",
        "Deployments": f"{path}/deployments{{?skip,take}}",
        "DeploymentTemplate": f"{path}/deployments/template",
        "DeploymentPreviews": f"{path}/deployments/previews",
        "Artifacts": space_path(space, "artifacts") + f"?regarding={row.public_id}",
        "SnapshotVariables": f"{path}/snapshot-variables",
        "Defects": f"{path}/defects",
        "ReportDefect": f"{path}/defects",
        "ResolveDefect": f"{path}/defects/resolve",
        "ProjectVariableSnapshot": space_path(space, "variables", row.variable_snapshot.public_id),
        "ProjectDeploymentProcessSnapshot": space_path(
            space, "deploymentprocesses", row.process_snapshot.public_id
        ),
        "Web": f"/app/{space}/releases/{row.public_id}",
    }


def _shown_answers(answers: Mapping[str, Any]) -> dict[str, str | None]:
    return {name: v if isinstance(v, str) else None for name, v in answers.items()}
