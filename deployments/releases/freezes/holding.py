"""Which freezes hold a deployment; everybody who creates or starts one asks here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from deployments.access.grants import Grants
from deployments.access.permissions import Permission
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.projects.models import Project
from deployments.releases.freezes.documents import recurrence_of
from deployments.releases.freezes.schedule import Schedule, Window, next_window, window_at
from deployments.releases.models import Deployment, DeploymentFreeze, FreezeScope


@dataclass(frozen=True, slots=True)
class HeldBy:
    """A freeze with the window in which it holds."""

    freeze: DeploymentFreeze
    window: Window

    @property
    def sentence(self) -> str:
        """Say until when, for people."""
        return (
            f"The deployment freeze '{self.freeze.name}' holds until"
            f" {self.window.end:%Y-%m-%d %H:%M} UTC."
        )


@dataclass(frozen=True, slots=True)
class ProjectFreezes:
    """All freezes of one project; asking for its environments and tenants reads nothing more."""

    scopes: tuple[FreezeScope, ...]

    def holding(
        self, environment: int, *, tenant: int | None = None, at: datetime
    ) -> tuple[HeldBy, ...]:
        """Return the freezes that hold a deployment at a moment, by name."""
        held = (
            (freeze, window_at(schedule_of(freeze), at)) for freeze in self._of(environment, tenant)
        )
        return tuple(HeldBy(freeze, window) for freeze, window in held if window is not None)

    def coming(
        self, environment: int, *, tenant: int | None = None, after: datetime
    ) -> HeldBy | None:
        """Return the freeze that holds next after a moment."""
        found = [
            HeldBy(freeze, window)
            for freeze in self._of(environment, tenant)
            if (window := next_window(schedule_of(freeze), after)) is not None
        ]
        return min(found, key=lambda held: held.window.start, default=None)

    def _of(self, environment: int, tenant: int | None) -> Iterable[DeploymentFreeze]:
        found = {
            scope.freeze_id: scope.freeze
            for scope in self.scopes
            if scope.environment_id == environment and scope.tenant_number in {None, tenant}
        }
        return sorted(found.values(), key=lambda freeze: freeze.name.lower())


def freezes_of_project(space: Space, project: int) -> ProjectFreezes:
    """Return the project's freezes; one query."""
    # Through the freeze, so that a number of another space finds nothing.
    rows = FreezeScope.objects.filter(
        project=project,
        freeze__in=DeploymentFreeze.objects.in_space(space).values("pk"),
    )
    return ProjectFreezes(tuple(rows.select_related("freeze")))


def freezes_for(
    space: Space,
    *,
    project: int,
    environment: int,
    tenant: int | None = None,
    at: datetime,
) -> tuple[HeldBy, ...]:
    """Return the freezes that hold a deployment of the project there at a moment.

    A scope without a tenant holds every deployment to the environment, one with a tenant those
    for this tenant.
    """
    return freezes_of_project(space, project).holding(environment, tenant=tenant, at=at)


def require_no_freeze_at_start(deployment: Deployment, *, at: datetime) -> None:
    """Raise Invalid when a freeze holds that the deployment was not let pass when it was made.

    What brings targets up to date is not held.
    """
    options = deployment.options
    if options.get("for_targets"):
        return
    held = freezes_for(
        deployment.space,
        project=deployment.project_id,
        environment=deployment.environment_id,
        tenant=deployment.tenant_number,
        at=at,
    )
    passed = set(options.get("freezes") or ())
    sentences = [each.sentence for each in held if each.freeze.public_id not in passed]
    if sentences:
        raise Invalid(" ".join(["The deployment did not start.", *sentences]))


def may_see(grants: Grants, project: Project, environment: int) -> bool:
    """Tell whether somebody may know of a freeze's place."""
    return grants.allows(
        Permission.ProjectView, project=project.pk, project_group=project.group_id
    ) and grants.allows(Permission.EnvironmentView, environment=environment)


def schedule_of(freeze: DeploymentFreeze) -> Schedule:
    """Return when the freeze holds."""
    return Schedule(freeze.start, freeze.end, freeze.time_zone, recurrence_of(freeze.recurrence))
