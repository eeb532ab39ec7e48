"""What tests of the pages of triggers share."""

from deployments.projects.models import Project, ProjectTrigger


def path_of(project: Project, more: str = "") -> str:
    """Return the path of the project's triggers, or one below it."""
    return f"projects/{project.public_id}/triggers{more}"


def only(project: Project) -> ProjectTrigger:
    """Return the one trigger of the project."""
    return ProjectTrigger.objects.in_space(project.space).get(project=project)
