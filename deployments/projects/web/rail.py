"""The rail of a project's own pages; apps above render it too."""

from typing import Any

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.pages import PageRequest
from deployments.projects.models import Project
from deployments.projects.queries import channels_of, process_of, runbooks_of

# (label, path below the project, icon, permission)
PAGES = (
    ("Overview", "", "grid", Permission.ProjectView),
    ("Process", "/process", "terminal", Permission.ProcessView),
    ("Variables", "/variables", "variable", Permission.ProjectView),
    ("Releases", "/releases", "package", Permission.ReleaseView),
    ("Channels", "/channels", "branch", Permission.ProcessView),
    ("Triggers", "/triggers", "history", Permission.TriggerView),
    ("Runbooks", "/runbooks", "terminal", Permission.RunbookView),
    ("Settings", "/settings", "gear", Permission.ProjectView),
)


def project_frame(request: PageRequest, project: Project, here: str) -> dict[str, Any]:
    """Return what templates/projects/_rail.html reads: project, project_base, rail.

    `here` is the label of the page among the rail's.
    """
    base = f"/app/{request.space.public_id}/projects/{project.public_id}"
    counts = {
        "Process": len(process_of(project).steps),
        "Channels": channels_of(project).count(),
        "Runbooks": runbooks_of(project).count(),
    }
    rail = [
        {
            "label": label,
            "url": f"{base}{path}",
            "icon": icon,
            "count": counts.get(label, 0),
            "is_here": label == here,
        }
        for label, path, icon, permission in PAGES
        if allows_on(request.actor, project, permission)
    ]
    return {"project": project, "project_base": base, "rail": rail}
