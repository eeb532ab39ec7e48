"""Which steps name an account, a certificate or a worker pool by its id."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from deployments.access.permissions import Permission
from deployments.base.actor import Actor
from deployments.base.models import Space
from deployments.library.uses import Use
from deployments.projects.models import DeploymentProcess
from deployments.projects.process import Action, process_from_json


def rows_with_text(rows: QuerySet[Any], column: str, public_id: str) -> QuerySet[Any]:
    """Return the rows in whose JSON the id is the whole text of a value, on every database."""
    texts: QuerySet[Any] = rows.annotate(text=Cast(column, TextField()))
    return texts.filter(text__contains=f'"{public_id}"')


def steps_naming(actor: Actor, space: Space, public_id: str) -> Iterator[Use]:
    """Yield a use for each process with steps that name it."""
    rows = rows_with_text(DeploymentProcess.objects.in_space(space), "steps", public_id)
    found = list(rows.select_related("project", "runbook").order_by("pk"))
    if not found:
        return
    seen = {
        is_runbook: set(
            DeploymentProcess.objects.visible_to(actor, space, permission).values_list(
                "pk", flat=True
            )
        )
        for is_runbook, permission in (
            (False, Permission.ProcessView),
            (True, Permission.RunbookView),
        )
    }
    for row in found:
        steps = [
            (step.id, action.name)
            for step, action in process_from_json(row.steps).actions()
            if _names(action, public_id)
        ]
        if steps:
            yield _use(row, steps, is_visible=row.pk in seen[row.runbook_id is not None])


def _names(action: Action, public_id: str) -> bool:
    return action.worker_pool_id == public_id or public_id in action.properties.values()


def _use(row: DeploymentProcess, steps: list[tuple[str, str]], *, is_visible: bool) -> Use:
    names = ", ".join(name for _, name in steps)
    project, runbook = row.project, row.runbook
    of = f"the runbook {runbook.name} of {project.name}" if runbook else project.name
    wire: dict[str, Any] = {
        "ProjectId": project.public_id,
        "ProjectName": project.name,
        "ProjectSlug": project.slug,
        "ProcessId": row.public_id,
        "Steps": [{"StepId": number, "StepName": name} for number, name in steps],
    }
    if runbook:
        wire |= {"RunbookId": runbook.public_id, "RunbookName": runbook.name}
    return Use(
        kind="RunbookProcesses" if runbook else "DeploymentProcesses",
        id=row.public_id,
        name=row.title,
        words=f"the {'step' if len(steps) == 1 else 'steps'} {names} of {of}",
        path=f"projects/{project.public_id}/runbooks/{runbook.public_id}/process"
        if runbook
        else f"projects/{project.public_id}/process",
        is_visible=is_visible,
        wire=wire,
    )
