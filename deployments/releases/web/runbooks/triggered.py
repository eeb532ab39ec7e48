"""Which triggers run a runbook, for its page."""

from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.pages import PageRequest
from deployments.projects.models import ProjectTrigger, Runbook
from deployments.projects.triggers.actions import RUN_RUNBOOK
from deployments.projects.triggers.words import filter_words
from deployments.projects.web.triggers.pages import names_of
from tenants.matching import matches_tags


def triggers_running(
    request: PageRequest, runbook: Runbook
) -> list[tuple[ProjectTrigger, str]] | None:
    """Return the triggers that run it, by name or by its tags, with when; the next to run first.

    None for who may not see triggers.
    """
    if not allows_on(request.actor, runbook.project, Permission.TriggerView):
        return None
    rows = ProjectTrigger.objects.in_space(request.space).filter(
        project=runbook.project_id, action__ActionType=RUN_RUNBOOK
    )
    found = [trigger for trigger in rows if _runs(trigger, runbook)]
    found.sort(key=lambda each: (each.next_run is None, each.next_run or each.created))
    names = names_of(request.actor, runbook.project, found) if found else {}
    return [(trigger, filter_words(trigger.filter, names)) for trigger in found]


def _runs(trigger: ProjectTrigger, runbook: Runbook) -> bool:
    tags = trigger.action.get("RunbookTags")
    if tags:
        return matches_tags(tags, runbook.settings.get("RunbookTags", ()))
    return bool(trigger.action["RunbookId"] == runbook.public_id)
