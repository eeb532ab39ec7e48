"""Triggers that follow another project: its releases and deployments let this one act."""

from typing import Final

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.base.clock import Clock, utc_now
from deployments.base.models import Event, Space
from deployments.projects.models import Outcome, Project, ProjectTrigger
from deployments.projects.services.decisions import Decision, log_decision
from deployments.projects.triggers.actions import CREATE_RELEASE, DEPLOY_NEW
from deployments.projects.triggers.project_filter import DEPLOYED, PROJECT, RELEASED, takes
from deployments.releases.models import Deployment
from deployments.releases.services.automation.by_trigger import Occasion, actor_of
from deployments.releases.services.automation.calls import call
from deployments.releases.services.automation.chains import Made, made_by, projects_behind
from deployments.server_tasks.states import TaskState
from tenants.queries import tenant_of

NAME: Final = "project-triggers"
LABEL: Final = "Triggers that follow other projects"
CATEGORIES: Final = ("Created", "DeploymentSucceeded")
_CREATE: Final = frozenset({CREATE_RELEASE, DEPLOY_NEW})


def follow_projects(event: Event, *, clock: Clock = utc_now) -> None:
    """Call the triggers that follow the project of the event; joins the transaction."""
    if event.space is None:
        return
    made = made_by(event, event.space)
    if made is None:
        return
    rows = ProjectTrigger.objects.in_space(event.space).filter(
        filter_type=PROJECT,
        is_disabled=False,
        filter__SourceProjectId=f"{Project.id_prefix}-{made.project_id}",
    )
    happening = DEPLOYED if isinstance(made, Deployment) else RELEASED
    place = f"Environments-{made.environment_id}" if isinstance(made, Deployment) else ""
    called = [
        trigger
        for trigger in rows.select_related("project", "space")
        if takes(trigger.filter, happening, place)
    ]
    if not called:
        return
    behind = projects_behind(made)
    occasion = _occasion(event, made)
    again = _again(made)
    for trigger in called:
        outcome, reason = Outcome.REFUSED, _circle(trigger, behind) or _unseen(trigger, made)
        if not reason and trigger.action["ActionType"] in _CREATE:
            outcome, reason = Outcome.NOTHING, again
        if reason:
            decision = Decision(outcome, occasion.cause, reason, event_id=event.public_id)
            log_decision(trigger.project, decision, trigger=trigger, clock=clock)
        else:
            call(trigger, occasion, clock)


def _again(made: Made) -> str:
    """Return why no release is created: for each tenant, and when it is repeated, it would be."""
    if not isinstance(made, Deployment):
        return ""
    before = Deployment.objects.in_space(made.space).filter(
        release=made.release_id,
        environment=made.environment_id,
        task__state=TaskState.SUCCESS,
        pk__lt=made.pk,
    )
    if not before.exists():
        return ""
    return (
        f"{made.release.version} was deployed to {made.environment.name} before: it lets a release"
        " be created once."
    )


def _occasion(event: Event, made: Made) -> Occasion:
    name = made.project.name
    if not isinstance(made, Deployment):
        return Occasion(f"Release {made.version} of {name} was created", event.public_id)
    tenant = tenant_of(made.space, made.tenant_number)
    whom = f" for {tenant.name}" if tenant else ""
    cause = f"{name} {made.release.version} was deployed to {made.environment.name}{whom}"
    return Occasion(cause, event.public_id, tenant.pk if tenant else None)


def _circle(trigger: ProjectTrigger, behind: list[int]) -> str:
    """Return why the trigger must not act: its project is in the chain that calls it."""
    if trigger.project_id not in behind:
        return ""
    chain = [*reversed(behind[: behind.index(trigger.project_id) + 1]), trigger.project_id]
    return (
        f"The chain of triggers came back to this project ({_names(trigger.space, chain)}) and"
        " would never end."
    )


def _names(space: Space, projects: list[int]) -> str:
    rows = Project.objects.in_space(space).filter(pk__in=projects)
    names = dict(rows.values_list("pk", "name"))
    return ", ".join(names.get(number, "?") for number in projects)


def _unseen(trigger: ProjectTrigger, made: Made) -> str:
    """Return why who saved the trigger may not know of this."""
    needed = Permission.DeploymentView if isinstance(made, Deployment) else Permission.ReleaseView
    if allows_on(actor_of(trigger), made, needed):
        return ""
    return f"{trigger.saved_by_name} lacks the permission {needed} in {made.project.name}."
