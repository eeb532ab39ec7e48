"""The settings of a project."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import (
    NO_PROBLEMS,
    Problems,
    attempt,
    carry_out,
    checked,
    go,
    show,
)
from deployments.access.web.pages import PageRequest, find, page
from deployments.base.errors import Invalid
from deployments.projects.models import Lifecycle, Project, ProjectGroup
from deployments.projects.queries import find_group, find_lifecycle, process_of, read_process
from deployments.projects.services import projects as services
from deployments.projects.settings import DEFAULT_TEMPLATE, extra_document, settings_document
from deployments.projects.web.rail import project_frame

_SEPARATOR = "\t"


@require_http_methods(["GET", "POST"])
@page(Permission.ProjectView)
def project_settings(request: PageRequest, project: str) -> HttpResponse:
    """Show and change the settings."""
    row = find(request, Project, project, Permission.ProjectView)
    if request.method == "GET":
        return _page(request, row, _stored(row))
    sent = {
        "name": request.POST.get("name", ""),
        "description": request.POST.get("description", ""),
        "group": request.POST.get("group", ""),
        "lifecycle": request.POST.get("lifecycle", ""),
        "is_disabled": checked(request, "is_disabled"),
        "versioning": request.POST.get("versioning", "template"),
        "template": request.POST.get("template", "").strip(),
        "donor": request.POST.get("donor", ""),
        "notes": request.POST.get("notes", ""),
        "changes": request.POST.get("changes", ""),
        "tenanted": request.POST.get("tenanted", "Untenanted"),
        "guided_failure": request.POST.get("guided_failure", ""),
        "skips": checked(request, "skips"),
        "skips_installed": checked(request, "skips_installed"),
        "no_targets": checked(request, "no_targets"),
        "discrete_channels": checked(request, "discrete_channels"),
        "ignores_rules": checked(request, "ignores_rules"),
        "supersedes_queued": checked(request, "supersedes_queued"),
        "supersedes_paused": checked(request, "supersedes_paused"),
    }
    fresh = find(request, Project, project, Permission.ProjectView)
    saved, problems = attempt(lambda: _save(request, fresh, sent))
    if saved is None:
        return _page(request, row, sent, problems)
    messages.success(request, "The settings were saved.")
    return go(request, f"projects/{saved.public_id}/settings")


@require_POST
@page(Permission.ProjectDelete)
def project_delete(request: PageRequest, project: str) -> HttpResponse:
    """Delete a project whose name was typed."""
    row = find(request, Project, project, Permission.ProjectView)
    path = f"projects/{row.public_id}/settings"
    if request.POST.get("confirm", "").strip() != row.name:
        messages.error(request, f"Nothing was deleted: the text was not “{row.name}”.")
        return go(request, path)
    return carry_out(
        request,
        lambda: services.delete_project(actor=request.actor, row=row),
        f"The project {row.name} was deleted.",
        to="projects",
        refused=path,
    )


def _save(request: PageRequest, row: Project, sent: dict[str, Any]) -> Project:
    group = find_group(request.space, sent["group"])
    lifecycle = find_lifecycle(request.space, sent["lifecycle"])
    if group is None or lifecycle is None:
        raise Invalid("Choose a project group and a lifecycle that exist.")
    donor = None
    if sent["versioning"] == "package":
        action, _, reference = sent["donor"].partition(_SEPARATOR)
        if not action:
            raise Invalid(
                fields={"donor": ["Choose the package that gives releases their version."]}
            )
        donor = {"DeploymentAction": action, "PackageReference": reference}
    settings = settings_document(row.settings)
    settings["VersioningStrategy"] = {
        "Template": None if donor else sent["template"] or DEFAULT_TEMPLATE,
        "DonorPackage": donor,
    }
    settings["ReleaseNotesTemplate"] = sent["notes"] or None
    settings["DeploymentChangesTemplate"] = sent["changes"] or None
    settings["DefaultGuidedFailureMode"] = sent["guided_failure"]
    settings["DefaultToSkipIfAlreadyInstalled"] = sent["skips_installed"]
    settings["CancelQueuedTasks"] = sent["supersedes_queued"]
    settings["CancelRunningTasks"] = sent["supersedes_paused"]
    settings["ConnectivityPolicy"] = {
        **settings["ConnectivityPolicy"],
        "SkipMachineBehavior": "SkipUnavailableMachines" if sent["skips"] else "None",
        "AllowDeploymentsToNoTargets": sent["no_targets"],
    }
    project = services.ProjectInput(
        name=sent["name"],
        description=sent["description"],
        group=group,
        lifecycle=lifecycle,
        slug=row.slug,
        is_disabled=sent["is_disabled"],
        settings=settings,
        extra={
            **extra_document(row.extra),
            "DiscreteChannelRelease": sent["discrete_channels"],
            "AllowIgnoreChannelRules": sent["ignores_rules"],
            "TenantedDeploymentMode": sent["tenanted"],
        },
    )
    return services.update_project(actor=request.actor, row=row, project=project)


def _stored(row: Project) -> dict[str, Any]:
    document = settings_document(row.settings)
    strategy, policy = document["VersioningStrategy"], document["ConnectivityPolicy"]
    donor, extra = strategy.get("DonorPackage") or {}, extra_document(row.extra)
    return {
        "name": row.name,
        "description": row.description,
        "group": row.group.public_id,
        "lifecycle": row.lifecycle.public_id,
        "is_disabled": row.is_disabled,
        "versioning": "package" if donor.get("DeploymentAction") else "template",
        "template": strategy.get("Template") or DEFAULT_TEMPLATE,
        "donor": f"{donor.get('DeploymentAction', '')}{_SEPARATOR}"
        f"{donor.get('PackageReference') or ''}",
        "notes": document["ReleaseNotesTemplate"] or "",
        "changes": document["DeploymentChangesTemplate"] or "",
        "tenanted": extra_document(row.extra)["TenantedDeploymentMode"],
        "guided_failure": document["DefaultGuidedFailureMode"],
        "skips": policy["SkipMachineBehavior"] == "SkipUnavailableMachines",
        "skips_installed": bool(document["DefaultToSkipIfAlreadyInstalled"]),
        "no_targets": bool(policy["AllowDeploymentsToNoTargets"]),
        "discrete_channels": bool(extra["DiscreteChannelRelease"]),
        "ignores_rules": bool(extra["AllowIgnoreChannelRules"]),
        "supersedes_queued": bool(document["CancelQueuedTasks"]),
        "supersedes_paused": bool(document["CancelRunningTasks"]),
    }


def _page(
    request: PageRequest, row: Project, sent: dict[str, Any], problems: Problems = NO_PROBLEMS
) -> HttpResponse:
    limited = " (only in some channels: releases in others need a number)"
    donors = [
        (
            f"{action.name}{_SEPARATOR}{package.name}",
            f"{action.name}: {package.package_id}{limited if action.channels else ''}",
        )
        for _, action in read_process(process_of(row)).actions()
        for package in action.packages
        if package.package_id
    ]
    values = {
        **project_frame(request, row, "Settings"),
        "sent": sent,
        "donors": donors,
        "groups": ProjectGroup.objects.visible_to(
            request.actor, request.space, Permission.ProjectGroupView
        ),
        "lifecycles": Lifecycle.objects.in_space(request.space),
        "tenanted_modes": (
            ("Untenanted", "Without a tenant only"),
            ("TenantedOrUntenanted", "With or without a tenant"),
            ("Tenanted", "For tenants only"),
        ),
        "guided": (
            ("EnvironmentDefault", "As the environment says"),
            ("Off", "Stop the deployment"),
            ("On", "Ask a person"),
        ),
        "may_edit": allows_on(request.actor, row, Permission.ProjectEdit),
        "may_delete": allows_on(request.actor, row, Permission.ProjectDelete),
    }
    return show(request, "projects/settings.html", values, problems)
