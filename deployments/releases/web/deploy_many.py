"""Deploying a release to several environments at once, with why not where it cannot be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.views.decorators.http import require_http_methods

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.base.clock import utc_now
from deployments.base.errors import Invalid
from deployments.infrastructure.models import Environment
from deployments.projects.web.rail import project_frame
from deployments.releases.freezes.holding import HeldBy, freezes_of_project
from deployments.releases.models import Release
from deployments.releases.prompts import Prompt, prompts_for
from deployments.releases.queries import progression_of, unresolved_defect
from deployments.releases.services.exact_plan import ExactPlan, exact_plan
from deployments.releases.services.several import Place, create_deployments, with_answers_of
from deployments.releases.web.deploy import answer_of, options_of
from deployments.releases.web.frames import (
    PlaceView,
    boxes_of,
    places_of,
    release_of,
    visible_environments,
)
from tenants.queries import tenanted_mode

_TEMPLATE: Final = "releases/deploy_many.html"


@dataclass(frozen=True, slots=True)
class Choice:
    """An environment to choose, with the freezes that hold it, or why it cannot be chosen."""

    place: PlaceView
    held: tuple[HeldBy, ...]
    why_not: str
    is_chosen: bool
    plan: ExactPlan | None = None


@require_http_methods(["GET", "POST"])
@page(Permission.DeploymentCreate)
def deploy_many(request: PageRequest, project: str, version: str) -> HttpResponse:
    """Choose environments, look at their plans, deploy to all of them or to none."""
    release = release_of(request, project, version)
    sent = request.POST if request.method == "POST" else QueryDict(request.GET.urlencode())
    chosen = _chosen(request, sent)
    prompts = _prompts(release, chosen)
    if request.method == "GET" or "preview" in request.POST:
        return _page(request, release, chosen, prompts, sent)
    created, problems = attempt(
        lambda: create_deployments(
            actor=request.actor,
            release=release,
            places=[Place(row) for row in chosen],
            options=_options_for(release, sent, prompts),
        )
    )
    if created is None:
        return _page(request, release, chosen, prompts, sent, problems)
    names = ", ".join(row.environment.name for row in created)
    messages.success(request, f"The deployments of {release.version} to {names} are in the queue.")
    return go(request, f"projects/{release.project.slug}/releases/{release.version}")


def _chosen(request: PageRequest, sent: QueryDict) -> list[Environment]:
    wanted = {text.lower() for text in sent.getlist("environment")}
    return [
        row
        for row in visible_environments(request)
        if wanted & {row.public_id.lower(), row.slug.lower()}
    ]


def _options_for(release: Release, sent: QueryDict, prompts: Sequence[Prompt]) -> Any:
    options = options_of(sent, prompts)
    return lambda place: with_answers_of(release, place.environment, options)


def _prompts(release: Release, environments: Sequence[Environment]) -> list[Prompt]:
    """Return the prompts of all the environments, each once."""
    found = {
        prompt.id: prompt
        for row in environments
        for prompt in prompts_for(release, environment=row.public_id)
    }
    return sorted(found.values(), key=lambda prompt: prompt.label.lower())


def _page(
    request: PageRequest,
    release: Release,
    chosen: Sequence[Environment],
    prompts: Sequence[Prompt],
    sent: QueryDict,
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    now = utc_now()
    choices = _choices(request, release, chosen, prompts, sent, now)
    values = {
        **project_frame(request, release.project, "Releases"),
        "release": release,
        "choices": choices,
        "chosen": [choice for choice in choices if choice.is_chosen],
        "held": [held for choice in choices if choice.is_chosen for held in choice.held],
        "may_override": request.grants.allows(Permission.DeploymentFreezeAdminister),
        "defect": unresolved_defect(release),
        "prompts": [(prompt, *answer_of(prompt, sent)) for prompt in prompts],
        "sent": sent,
        "when": sent.get("when", "now"),
        "priority": sent.get("priority", "LifecycleDefault"),
        "is_many": True,
        "now": now,
    }
    return show(request, _TEMPLATE, values, problems)


def _choices(
    request: PageRequest,
    release: Release,
    chosen: Sequence[Environment],
    prompts: Sequence[Prompt],
    sent: QueryDict,
    now: datetime,
) -> list[Choice]:
    progression = progression_of(release)
    places = places_of(request, release, progression, visible_environments(request))
    freezes = freezes_of_project(request.space, release.project_id)
    wanted = {row.pk for row in chosen}
    choices = []
    for place in (place for box in boxes_of(progression, places) for place in box.places):
        environment = place.environment
        why_not = _why_not(release, place)
        is_chosen = environment.pk in wanted and not why_not
        plan = _plan(request, release, environment, prompts, sent) if is_chosen else None
        held = freezes.holding(environment.pk, at=now)
        choices.append(Choice(place, held, why_not, is_chosen, plan))
    return choices


def _why_not(release: Release, place: PlaceView) -> str:
    if not tenanted_mode(release.project).allows_untenanted:
        return "The project is deployed for tenants only."
    if not place.may_deploy:
        return "You need the permission DeploymentCreate there."
    return place.why_not


def _plan(
    request: PageRequest,
    release: Release,
    environment: Environment,
    prompts: Sequence[Prompt],
    sent: QueryDict,
) -> ExactPlan | None:
    try:
        options = with_answers_of(release, environment, options_of(sent, prompts))
        return exact_plan(release, environment, options, viewer=request.actor)
    except Invalid:
        return None  # what is wrong is said when the form is sent
