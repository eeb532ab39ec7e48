"""Deploying or running as it was done before: those choices in the form of the page."""

from django.http import QueryDict

from deployments.access.permissions import Permission
from deployments.access.web.pages import PageRequest, find
from deployments.base.errors import NotFound
from deployments.releases.models import Deployment, Release, Run
from deployments.releases.prompts import Prompt


def earlier_of(request: PageRequest, release: Release) -> Deployment | None:
    """Return the deployment that the address names; raises NotFound for none of the release."""
    wanted = request.GET.get("again", "")
    if not wanted:
        return None
    row = find(request, Deployment, wanted, Permission.DeploymentView)
    if row.release_id != release.pk:
        raise NotFound
    return row


def choices_of(earlier: Run, prompts: list[Prompt]) -> QueryDict:
    """Return its choices as the form sends them; secrets and times are to be given anew."""
    options = earlier.options
    sent = QueryDict(mutable=True)
    sent.setlist("skip", options.get("skip_actions") or [])
    for choice, machines, tags in (
        ("only", "specific_machines", "specific_tags"),
        ("without", "excluded_machines", "excluded_tags"),
    ):
        if options.get(machines) or options.get(tags):
            sent["targets"] = choice
            sent.setlist("machine", options.get(machines) or [])
            sent.setlist("tag", options.get(tags) or [])
    sent["guided"] = "ask" if options.get("use_guided_failure") else "fail"
    sent["priority"] = str(options.get("priority") or "LifecycleDefault")
    if options.get("force_package_download"):
        sent["force_download"] = "1"
    if options.get("force_package_redeployment"):
        sent["force_install"] = "1"
    answers = {name.lower(): text for name, text in (options.get("form_values") or {}).items()}
    for prompt in prompts:
        answer = answers.get(prompt.name.lower())
        if isinstance(answer, str) and not prompt.is_sensitive:
            sent[f"prompt:{prompt.id}"] = answer
    return sent
