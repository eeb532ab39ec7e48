"""Blocking and unblocking a release, with what blocked it before."""

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.projects.web.rail import project_frame
from deployments.releases.models import Release
from deployments.releases.queries import defects_of
from deployments.releases.services.defects import report_defect, resolve_defect
from deployments.releases.web.acts import path_of
from deployments.releases.web.frames import release_of


@require_http_methods(["GET", "POST"])
@page(Permission.ReleaseView)
def release_blocking(request: PageRequest, project: str, version: str) -> HttpResponse:
    """Block the progression with a reason, or unblock it."""
    release = release_of(request, project, version)
    if request.method == "GET":
        return _page(request, release)
    if request.POST.get("do") == "unblock":
        done, problems = attempt(lambda: resolve_defect(actor=request.actor, release=release))
        word = "goes on"
    else:
        text = request.POST.get("description", "")
        done, problems = attempt(
            lambda: report_defect(actor=request.actor, release=release, description=text)
        )
        word = "is blocked"
    if done is None:
        return _page(request, release, problems)
    messages.success(request, f"The progression of release {release.version} {word}.")
    return go(request, path_of(release))


def _page(request: PageRequest, release: Release, problems: Problems = NO_PROBLEMS) -> HttpResponse:
    defects = list(defects_of(release))
    values = {
        **project_frame(request, release.project, "Releases"),
        "release": release,
        "defects": defects,
        "unresolved": next((row for row in defects if row.resolved is None), None),
        "description": request.POST.get("description", ""),
        "may_report": allows_on(request.actor, release, Permission.DefectReport),
        "may_resolve": allows_on(request.actor, release, Permission.DefectResolve),
    }
    return show(request, "releases/release_blocking.html", values, problems)
