"""The server task of a new deployment: its concurrency tag, its priority, its times."""

from typing import Final

from django.db.models import F

from agent.language import LanguageError, VariableSet, evaluate
from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.base.clock import Clock
from deployments.base.errors import Invalid
from deployments.infrastructure.models import Environment
from deployments.library.scoping import ScopeContext, resolve_all
from deployments.projects.models import Project
from deployments.releases.models import Frozen, Release
from deployments.releases.options import DeploymentOptions
from deployments.releases.progression import Progression
from deployments.releases.variables import (
    plain_values,
    release_candidates,
    tenant_context,
    tenant_variables,
)
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import enqueue
from deployments.server_tasks.services.enqueue import PARENT_TASK
from tenants.queries import TenantScope

KIND: Final = "Deploy"
CONCURRENCY_TAG: Final = "Octopus.Task.ConcurrencyTag"
PRIORITIES: Final = ("LifecycleDefault", "On", "Off")
_LONGEST_TAG: Final = 300


def queue_task(
    actor: Actor,
    release: Release,
    environment: Environment,
    options: DeploymentOptions,
    clock: Clock,
    progression: Progression,
    *,
    tenant: TenantScope | None = None,
) -> ServerTask:
    """Queue the task of a deployment. Raises Invalid for a wrong priority or tag."""
    if options.priority not in PRIORITIES:
        raise Invalid(fields={"Priority": [f"Choose one of {', '.join(PRIORITIES)}."]})
    project = release.project
    project.space = release.space
    tag = concurrency_tag(release, environment, tenant)
    whom = f" for {tenant.name}" if tenant else ""
    if tag in _tags_above(release, options.parent_task):
        raise Invalid(
            "The deployment would wait for the one that waits for it: both have the concurrency"
            f" tag {tag}."
        )
    hold_queue_of(project)
    if not Release.objects.in_space(release.space).filter(pk=release.pk).exists():
        raise Invalid(f"Release '{release.version}' was deleted meanwhile.")
    return enqueue(
        actor=actor,
        space=release.space,
        kind=KIND,
        description=(
            f"Deploy {project.name} release {release.version} to {environment.name}{whom}"[:500]
        ),
        arguments={},
        concurrency_tag=tag,
        priority=int(_is_prioritized(progression, environment, options)),
        # What a parent waits for is nobody else's to replace.
        is_complete=options.is_complete and not options.parent_task,
        project_number=project.pk,
        environment_number=environment.pk,
        tenant_number=tenant.number if tenant else None,
        not_before=options.not_before,
        expires=options.expires,
        clock=clock,
    )


def hold_queue_of(project: Project) -> None:
    """Let nobody else queue for the project, or delete what it has, until the transaction ends.

    Of two who deploy at once neither would see the other's task, and neither would replace it; who
    deletes releases would take along a deployment that has just begun, or mark an older one as the
    current one. Held before there is a number, so that who waited has the higher one. An update
    locks on every database.
    """
    rows = Project.objects.in_space(project.space).filter(pk=project.pk)
    rows.update(is_disabled=F("is_disabled"))


def _tags_above(release: Release, parent: str) -> set[str]:
    """Return the concurrency tags of the tasks that will wait for this one."""
    tags: set[str] = set()
    number = public_ids.parse(ServerTask.id_prefix, parent)
    while number:
        rows = ServerTask.objects.in_space(release.space).filter(pk=number)
        tag, arguments = rows.values_list("concurrency_tag", "arguments").first() or ("", {})
        tags.add(tag)
        number = public_ids.parse(ServerTask.id_prefix, arguments.get(PARENT_TASK, ""))
    return tags - {""}


def _is_prioritized(
    progression: Progression, environment: Environment, options: DeploymentOptions
) -> bool:
    if options.priority != "LifecycleDefault":
        return options.priority == "On"
    state = progression.state_of(environment.pk)
    return state is not None and state.phase.is_priority


def concurrency_tag(frozen: Frozen, environment: Environment, tenant: TenantScope | None) -> str:
    """Return what the variable says, else tenant, project or runbook, and environment."""
    project = frozen.project
    usual = f"{frozen.process_owner}/{environment.public_id}"
    if tenant is not None:
        usual = f"{tenant.public_id}/{usual}"
    context = ScopeContext(
        environment=environment.public_id,
        channel=frozen.channel_scope or None,
        process_owner=frozen.process_owner,
        project=project.public_id,
        **tenant_context(tenant),
    )
    values = plain_values(resolve_all(release_candidates(frozen, environment.pk, tenant), context))
    known = {name.lower(): text for name, text in values.items()}
    template = (known.get(CONCURRENCY_TAG.lower()) or "").strip()
    if not template:
        return usual
    places = {
        "Octopus.Project.Id": project.public_id,
        "Octopus.Project.Name": project.name,
        "Octopus.Environment.Id": environment.public_id,
        "Octopus.Environment.Name": environment.name,
        **frozen.naming_variables,
        "Octopus.Space.Id": frozen.space.public_id,
        **tenant_variables(tenant),
    }
    try:
        tag = evaluate(template, VariableSet({**values, **places})).text.strip()
    except LanguageError as error:
        raise Invalid(f"The variable {CONCURRENCY_TAG} cannot be evaluated: {error}") from error
    if len(tag) > _LONGEST_TAG:
        raise Invalid(f"The variable {CONCURRENCY_TAG} is longer than {_LONGEST_TAG} characters.")
    return f"{frozen.space.public_id}/{tag}" if tag else usual
