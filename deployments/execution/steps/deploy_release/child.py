"""The deployment that the step queues: what it is of, whether it is needed, what came of it."""

from agent.versions import Version
from deployments.access.actors import actor_behind
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.errors import Invalid
from deployments.base.models import Space
from deployments.execution.models import OutputVariable
from deployments.execution.plan import SERVER_PLACE
from deployments.execution.services.outputs import open_value
from deployments.execution.steps.deploy_release.circle import require_no_circle
from deployments.execution.steps.deploy_release.settings import (
    PREFIX,
    Passed,
    Wrong,
    passed_variables,
)
from deployments.execution.steps.step_type import Result, ServerAction
from deployments.projects.queries import find_project
from deployments.releases.models import Deployment, Release
from deployments.releases.options import DeploymentOptions, PassedVariable
from deployments.releases.prompts import prompts_for
from deployments.releases.queries import find_release
from deployments.releases.services import create_deployment
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.states import TaskState
from tenants.models import Tenant
from tenants.queries import tenant_of, tenant_scope, tenanted_mode

_HIDDEN = "(passed)"
_VERSION = "Octopus.Action.Package.PackageVersion"


def begin(action: ServerAction) -> str | Result:
    """Queue the deployment of the chosen release; return its task's id.

    Raises Invalid when the release may not go to the environment, and NotPermitted when the one
    who deploys the parent may not deploy the child.
    """
    execution = action.execution
    if execution is None:
        return Result("The step was started without its execution.")
    parent = _deployment_of(execution.task)
    release = _release(parent, action)
    require_no_circle(parent, release)
    condition = action.variables.text(f"{PREFIX}.DeploymentCondition") or "Always"
    name = f"{release.project.name} {release.version}"
    # A child that is not deployed for tenants is deployed once, whoever the parent is for.
    tenant = None
    if tenanted_mode(release.project).allows_tenants:
        tenant = tenant_of(parent.space, parent.tenant_number)
    if reason := _why_not(parent, release, condition, tenant):
        action.log("info", f"{name} is not deployed: {reason}")
        return Result()
    try:
        passed = passed_variables(
            action.properties.get(f"{PREFIX}.Variables", ""), action.variables
        )
    except Wrong as problem:
        return Result(str(problem))
    on_machine = execution.target_id != SERVER_PLACE
    deployment = create_deployment(
        actor=_requester(parent),
        release=release,
        environment=parent.environment,
        tenant=tenant,
        options=DeploymentOptions(
            comments=f"Deployed by the step {execution.action_name} of {parent.project.name}"
            f" {parent.release.version}.",
            specific_machines=(execution.target_id,) if on_machine else (),
            form_values=_answers(parent, release, passed, tenant),
            priority="On" if execution.task.priority > 0 else "LifecycleDefault",
            passed_variables=tuple(
                PassedVariable(each.name, each.text, each.is_sensitive) for each in passed
            ),
            parent_task=execution.task.public_id,
        ),
    )
    task_id = f"ServerTasks-{deployment.task_id}"
    whom = f" for {tenant.name}" if tenant else ""
    where = f"{parent.environment.name}{whom}"
    action.log("highlight", f"{name} is deployed to {where} by {task_id}.")
    return task_id


def look(action: ServerAction, task_id: str) -> Result | None:
    """Return what came of the deployment with its outputs, also of a failed one, once it ended."""
    if action.execution is None:
        return Result("The step was started without its execution.")
    space = action.execution.space
    number = public_ids.parse(ServerTask.id_prefix, task_id) or 0
    task = ServerTask.objects.in_space(space).filter(pk=number).first()
    if task is None:
        return Result(f"The deployment {task_id} does not exist any more.")
    if not task.is_completed:
        return None
    outputs, secrets = _outputs(space, task)
    error = ""
    if task.state != TaskState.SUCCESS:
        words = "failed" if task.state == TaskState.FAILED else f"ended as {task.state}"
        error = f"The deployment {task_id} {words}. {task.error_message}".strip()
    return Result(error, outputs, secrets)


def _deployment_of(task: ServerTask) -> Deployment:
    found = (
        Deployment.objects.in_space(task.space)
        .filter(task=task)
        .select_related("project", "environment", "release", "space")
        .first()
    )
    if found is None:
        raise Invalid("Only a deployment can deploy another project's release.")
    return found


def _release(parent: Deployment, action: ServerAction) -> Release:
    text = action.variables.text(f"{PREFIX}.ProjectId").strip()
    project = find_project(parent.space, text)
    if project is None:
        raise Invalid(f"The project {text}, of which a release shall be deployed, does not exist.")
    version = action.variables.text(_VERSION)
    release = find_release(project, version)
    if release is None:
        raise Invalid(f"The release {version} of {project.name} does not exist any more.")
    release.project, release.space = project, parent.space
    return release


def _why_not(parent: Deployment, release: Release, condition: str, tenant: Tenant | None) -> str:
    """Return why the release need not be deployed."""
    if condition == "Always":
        return ""
    here = (
        Deployment.objects.in_space(parent.space)
        .filter(
            project=release.project,
            environment=parent.environment,
            tenant_number=tenant.pk if tenant else None,
            task__state=TaskState.SUCCESS,
        )
        .order_by("-pk")
        .values_list("release__version", flat=True)
        .first()
    )
    if here is None:
        return ""
    there = f"{here} is in {parent.environment.name} now"
    if condition == "IfNotCurrentVersion":
        return there if here.lower() == release.version.lower() else ""
    return "" if Version.parse(release.version) > Version.parse(here) else there


def _requester(parent: Deployment) -> Actor:
    """Return who deploys the parent: whatever they may not do, the step may not."""
    reason = f"deployment {parent.public_id}"
    return actor_behind(parent.deployed_by, parent.deployed_by_name, reason=reason)


def _answers(
    parent: Deployment, release: Release, passed: list[Passed], tenant: Tenant | None
) -> dict[str, str]:
    """Return what is passed to prompts of the child, by their names."""
    prompts = prompts_for(
        release,
        environment=parent.environment.public_id,
        tenant=tenant_scope(tenant),
    )
    sealed = {prompt.name.lower(): prompt.is_sensitive for prompt in prompts}
    return {
        # An answer to a prompt for plain text is shown; the value that counts is passed sealed.
        each.name: _HIDDEN if each.is_sensitive and not sealed[each.name.lower()] else each.text
        for each in passed
        if each.name.lower() in sealed
    }


def _outputs(space: Space, task: ServerTask) -> tuple[dict[str, str], dict[str, str]]:
    """Return the child's outputs under `Deployment[Step].X` and `Deployment[Step][Machine].X`."""
    plain: dict[str, str] = {}
    secret: dict[str, str] = {}
    rows = OutputVariable.objects.in_space(space).filter(task=task).select_related("execution")
    for row in rows.order_by("execution__attempt", "execution_id", "pk"):
        step = row.execution.action_name
        names = [f"Deployment[{step}].{row.name}"]
        if row.execution.target_id != SERVER_PLACE:
            names.append(f"Deployment[{step}][{row.execution.target_name}].{row.name}")
        for name in names:
            plain.pop(name, None)
            secret.pop(name, None)
            (secret if row.is_sensitive else plain)[name] = open_value(row)
    return plain, secret
