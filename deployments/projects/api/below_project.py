"""What resources share that also answer below a project, whose id or slug is in the path."""

from typing import TypeVar

from django.db.models import QuerySet

from deployments.access.api.viewsets import SpaceViewSet
from deployments.base import public_ids
from deployments.base.api.links import space_path
from deployments.base.errors import NotFound
from deployments.base.finding import find_one
from deployments.base.models import SpaceOwned
from deployments.projects.api.projects import visible_projects
from deployments.projects.models import Project

R = TypeVar("R", bound=SpaceOwned)


class BelowProjectViewSet(SpaceViewSet[R]):
    """Rows of the space, or below a project (`project` in the path) its own."""

    below: str

    def get_queryset(self) -> "QuerySet[R]":
        rows = super().get_queryset()
        project = self.project_of_path()
        return rows if project is None else rows.filter(project=project)

    def base_path(self) -> str:
        project = self.project_of_path()
        if project is None:
            return super().base_path()
        return space_path(self.space, "projects", project.public_id, self.below)

    def project_for(self, public_id: str | None) -> Project:
        """Return the project of the path, else the one of the body. Raises Invalid, NotFound."""
        return self.project_of_path() or find_one(
            visible_projects(self.actor, self.space), public_id, field="ProjectId"
        )

    def project_of_path(self) -> Project | None:
        """Return the project that the path names, if it does."""
        wanted = self.kwargs.get("project")
        if not wanted:
            return None
        if not hasattr(self, "_found"):
            rows = visible_projects(self.actor, self.space)
            number = public_ids.parse("Projects", wanted)
            self._found = (
                rows.filter(slug=wanted.lower()) if number is None else rows.filter(pk=number)
            ).first()
        if self._found is None:
            raise NotFound
        return self._found
