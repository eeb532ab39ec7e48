"""The settings of a runbook: name, environments, tenants, failures, retention."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, checked, go, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.base.numbers import whole_number
from deployments.projects.models import Runbook
from deployments.projects.queries import environments_to_choose
from deployments.projects.runbook_tags import runbook_tag_sets_of
from deployments.projects.runbooks import runbook_document
from deployments.projects.services.retention_defaults import RUNS, retention_defaults
from deployments.projects.services.runbooks import RunbookInput, update_runbook
from deployments.releases.web.runbooks.pages import runbook_frame, runbook_of

_MOST_DIGITS: Final = 6
_SCOPES: Final = (
    ("All", "In every environment"),
    ("FromProjectLifecycles", "In those of the project's lifecycles"),
    ("Specified", "In these"),
)
_MODES: Final = (
    ("Untenanted", "Without a tenant only"),
    ("TenantedOrUntenanted", "With or without a tenant"),
    ("Tenanted", "For tenants only"),
)
_GUIDED: Final = (
    ("EnvironmentDefault", "As the environment says"),
    ("Off", "Stop the run"),
    ("On", "Ask a person"),
)
_KEEPS: Final = (
    ("default", "The default of the space"),
    ("items", "A number of runs"),
    ("days", "A number of days"),
    ("forever", "Everything"),
)
_FLAGS: Final = ("ForcePackageDownload", "CancelQueuedTasks", "CancelRunningTasks")


@require_http_methods(["GET", "POST"])
@page(Permission.RunbookView)
def runbook_settings(request: PageRequest, project: str, runbook: str) -> HttpResponse:
    """Show and change the settings."""
    row = runbook_of(request, project, runbook)
    if request.method == "GET":
        return _page(request, row, _stored(row))
    sent = {
        **{name: request.POST.get(name, "") for name in ("name", "description", "slug")},
        **{name: request.POST.get(name, "") for name in ("scope", "mode", "guided")},
        **{name: request.POST.get(name, "") for name in ("keep", "quantity")},
        "environments": request.POST.getlist("environments"),
        "tags": request.POST.getlist("tags"),
        "skips": checked(request, "skips"),
        "no_targets": checked(request, "no_targets"),
        **{name: checked(request, name) for name in _FLAGS},
    }
    fresh = find(request, Runbook, row.public_id, Permission.RunbookView)
    saved, problems = attempt(
        lambda: update_runbook(actor=request.actor, row=fresh, runbook=_input(fresh, sent))
    )
    if saved is None:
        return _page(request, row, sent, problems)
    messages.success(request, "The settings were saved.")
    return go(request, f"projects/{row.project.public_id}/runbooks/{row.public_id}/settings")


def _input(row: Runbook, sent: dict[str, Any]) -> RunbookInput:
    policy = runbook_document(row.settings)["ConnectivityPolicy"]
    settings = {
        "EnvironmentScope": sent["scope"],
        "Environments": sent["environments"],
        "MultiTenancyMode": sent["mode"],
        "DefaultGuidedFailureMode": sent["guided"],
        "ConnectivityPolicy": {
            **policy,
            "SkipMachineBehavior": "SkipUnavailableMachines" if sent["skips"] else "None",
            "AllowDeploymentsToNoTargets": sent["no_targets"],
        },
        "RunRetentionPolicy": _retention(sent["keep"], sent["quantity"]),
        "RunbookTags": sent["tags"],
        **{name: sent[name] for name in _FLAGS},
    }
    return RunbookInput(sent["name"], sent["description"], sent["slug"], settings)


def _retention(keep: str, quantity: str) -> dict[str, Any]:
    if keep in {"items", "days"}:
        number = whole_number(quantity.strip(), _MOST_DIGITS)
        return {
            "Strategy": "Count",
            "Unit": keep.capitalize(),
            "QuantityToKeep": -1 if number is None else number,
        }
    return {"Strategy": "Forever" if keep == "forever" else "Default"}


def _stored(row: Runbook) -> dict[str, Any]:
    document = runbook_document(row.settings)
    policy, kept = document["ConnectivityPolicy"], document["RunRetentionPolicy"]
    counts = kept["Strategy"] == "Count"
    return {
        "name": row.name,
        "description": row.description,
        "slug": row.slug,
        "scope": document["EnvironmentScope"],
        "environments": document["Environments"],
        "tags": document["RunbookTags"],
        "mode": document["MultiTenancyMode"],
        "guided": document["DefaultGuidedFailureMode"],
        "keep": kept["Unit"].lower() if counts else kept["Strategy"].lower(),
        "quantity": str(kept["QuantityToKeep"]) if counts else "",
        "skips": policy["SkipMachineBehavior"] == "SkipUnavailableMachines",
        "no_targets": bool(policy["AllowDeploymentsToNoTargets"]),
        **{name: bool(document[name]) for name in _FLAGS},
    }


def _page(
    request: PageRequest, row: Runbook, sent: dict[str, Any], problems: Problems = NO_PROBLEMS
) -> HttpResponse:
    values = {
        **runbook_frame(request, row),
        "sent": sent,
        "environments": environments_to_choose(
            request.actor, request.space, row.settings.get("Environments", ())
        ),
        "runbook_tag_sets": runbook_tag_sets_of(request.space),
        "scopes": _SCOPES,
        "modes": _MODES,
        "guided": _GUIDED,
        "keeps": _KEEPS,
        "default": retention_defaults(request.space)[RUNS].words_for("run"),
        "may_edit": allows_on(request.actor, row, Permission.RunbookEdit),
    }
    return show(request, "releases/runbooks/settings.html", values, problems)
