"""Putting projects on top of one's own dashboard."""

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base.actor import Actor
from deployments.insights.models import Favourite
from deployments.projects.models import Project


def set_favourite(*, actor: Actor, project: Project, is_favourite: bool) -> None:
    """Put the project on top of the actor's dashboard, or back to its group. Repeating is fine."""
    require_on(actor, project, Permission.ProjectView)
    if actor.user_id is None:
        return
    rows = Favourite.objects.in_space(project.space)
    with transaction.atomic():
        if is_favourite:
            rows.get_or_create(
                user_id=actor.user_id, project=project, defaults={"space": project.space}
            )
        else:
            rows.filter(user=actor.user_id, project=project).delete()
