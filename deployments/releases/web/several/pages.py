"""The page of several places: choose them, look at their plans, deploy to all or to none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.utils.text import get_text_list
from django.views.decorators.http import require_http_methods

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.base.clock import utc_now
from deployments.base.errors import Invalid
from deployments.projects.web.rail import project_frame
from deployments.releases.models import Deployment, Release
from deployments.releases.options import DeploymentOptions
from deployments.releases.prompts import Prompt
from deployments.releases.queries import progression_of, unresolved_defect
from deployments.releases.services.exact_plan import ExactPlan, exact_plan
from deployments.releases.services.several import create_deployments, with_answers_of
from deployments.releases.tenancy.standings import TenantStanding
from deployments.releases.web.deploy import answer_of, options_of
from deployments.releases.web.frames import release_of
from deployments.releases.web.several.choosing import Chosen, chosen_of
from deployments.releases.web.several.lanes import Lane, lanes_of
from deployments.releases.web.several.plans import (
    MOST_NAMED,
    MOST_PLANS,
    SharedPlan,
    prompts_of_all,
    shared_plans,
)
from deployments.releases.web.several.shown import check_shown, mark_of
from tenants.queries import tenanted_mode

_TEMPLATE: Final = "releases/deploy_several.html"


@require_http_methods(["GET", "POST"])
@page(Permission.DeploymentCreate)
def deploy_several(request: PageRequest, project: str, version: str) -> HttpResponse:
    """Choose places, look at their plans, deploy to all of them or to none."""
    release = release_of(request, project, version)
    sent = request.POST if request.method == "POST" else QueryDict(request.GET.urlencode())
    chosen = chosen_of(request, release, sent)
    lanes = lanes_of(request, release, chosen.lanes, utc_now())
    going = [lane for lane in lanes if not (lane.why_not and chosen.leaves_out)]
    prompts = prompts_of_all(release, going)
    shown = _Page(request, release, chosen, lanes, going, prompts, sent)
    if request.method == "GET" or "preview" in request.POST:
        return shown.answer()
    created, problems = attempt(lambda: _create(request, release, going, prompts, sent))
    if created is None:
        return shown.answer(problems)
    places = [str(lane.place) for lane in going]
    words = f"to {', '.join(places)}" if len(places) <= MOST_NAMED else f"to {len(places)} places"
    messages.success(request, f"The deployments of {release.version} {words} are in the queue.")
    return go(request, f"projects/{release.project.slug}/releases/{release.version}")


def _create(
    request: PageRequest,
    release: Release,
    going: Sequence[Lane],
    prompts: Sequence[Prompt],
    sent: QueryDict,
) -> list[Deployment]:
    check_shown(going, sent)
    options = options_of(sent, prompts)
    scopes = {lane.place: lane.scope for lane in going}
    return create_deployments(
        actor=request.actor,
        release=release,
        places=[lane.place for lane in going],
        options=lambda place: with_answers_of(release, place.environment, options, scopes[place]),
    )


def _button(release: Release, going: Sequence[Lane], *, is_for_tenants: bool) -> str:
    """Return what pressing the button does, as far as the page has shown the places."""
    words = "the marked"
    if going and is_for_tenants:
        words = f"{len(going)} place{'s' if len(going) > 1 else ''}"
    elif len(going) > MOST_NAMED:
        words = f"{len(going)} environments"
    elif going:
        words = get_text_list([lane.environment.name for lane in going], "and")
    return f"Deploy {release.version} to {words}"


@dataclass(frozen=True, slots=True)
class _Page:
    """Everything that the page shows."""

    request: PageRequest
    release: Release
    chosen: Chosen[TenantStanding]
    lanes: Sequence[Lane]
    going: Sequence[Lane]
    prompts: Sequence[Prompt]
    sent: QueryDict

    def answer(self, problems: Problems = NO_PROBLEMS) -> HttpResponse:
        """Return the page."""
        request, release, sent = self.request, self.release, self.sent
        mode = tenanted_mode(release.project)
        possible = [lane for lane in self.going if not lane.why_not]
        values: dict[str, Any] = {
            **project_frame(request, release.project, "Releases"),
            "release": release,
            "chosen": self.chosen,
            "environments": self._environments(),
            "is_for_tenants": mode.allows_tenants,
            "may_be_nobody": mode.allows_untenanted,
            "lanes": self.lanes,
            "going": self.going,
            "possible": possible,
            "shown": mark_of(possible),
            "button": _button(self.release, self.going, is_for_tenants=mode.allows_tenants),
            "refused": [lane for lane in self.lanes if lane.why_not],
            "plans": self._plans(possible[:MOST_PLANS]),
            "unplanned": possible[MOST_PLANS:],
            "held": {h.freeze.pk: h for lane in self.going for h in lane.held}.values(),
            "may_override": request.grants.allows(Permission.DeploymentFreezeAdminister),
            "defect": unresolved_defect(release),
            "prompts": [(prompt, *answer_of(request, prompt, sent)) for prompt in self.prompts],
            "sent": sent,
            "when": sent.get("when", "now"),
            "priority": sent.get("priority", "LifecycleDefault"),
            "is_many": True,
            "now": utc_now(),
        }
        return show(request, _TEMPLATE, values, problems)

    def _environments(self) -> list[dict[str, Any]]:
        """Return the environments of the lifecycle with how the release stands there.

        Where it is not deployed for tenants, an environment is a place of its own.
        """
        chosen = {row.pk for row in self.chosen.places}
        progression = progression_of(self.release)
        rows = [row for row in self.chosen.environments if progression.state_of(row.pk)]
        if tenanted_mode(self.release.project).allows_tenants:
            return [{"row": row, "is_chosen": row.pk in chosen} for row in rows]
        lanes = lanes_of(self.request, self.release, [(row, None) for row in rows], utc_now())
        return [
            {
                "row": lane.environment,
                "lane": lane,
                "is_chosen": lane.environment.pk in chosen and not lane.why_not,
            }
            for lane in lanes
        ]

    def _plans(self, lanes: Sequence[Lane]) -> list[SharedPlan[Lane]]:
        try:
            options = options_of(self.sent, self.prompts)
        except Invalid:
            options = DeploymentOptions()  # what is wrong is said when the form is sent

        def planned(lane: Lane) -> ExactPlan:
            own = with_answers_of(self.release, lane.environment, options, lane.scope)
            return exact_plan(
                self.release, lane.environment, own, viewer=self.request.actor, tenant=lane.scope
            )

        return shared_plans(lanes, planned)
