"""Deploying a release: where, when, on which targets, with a plan to look at first."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.views.decorators.http import require_http_methods

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.base.clock import utc_now
from deployments.base.errors import Invalid
from deployments.library.variable_templates import (
    CONTROL_TYPE,
    SELECT_OPTIONS,
    SENSITIVE,
)
from deployments.library.variable_templates import options_of as choices_of_select
from deployments.projects.settings import deployment_settings
from deployments.projects.web.rail import project_frame
from deployments.projects.web.values.kinds import options_of as kind_options
from deployments.releases.availability import missing_of
from deployments.releases.changes.story import story_of
from deployments.releases.freezes.holding import HeldBy, freezes_of_project
from deployments.releases.models import Release
from deployments.releases.preview import PlannedAction, Target, lacks_targets
from deployments.releases.prompts import Prompt, prompts_for
from deployments.releases.queries import unresolved_defect, waiting_for_people
from deployments.releases.services import DeploymentOptions, create_deployment
from deployments.releases.services.choices import uses_guided_failure
from deployments.releases.services.exact_plan import coming_deployment, plan_of_coming
from deployments.releases.services.planning import machines_there, plan_of
from deployments.releases.web.frames import (
    PlaceView,
    boxes_of,
    next_place,
    places_of,
    release_of,
    visible_environments,
)
from deployments.releases.web.redeploy import choices_of, earlier_of
from deployments.releases.web.whom import Whom, missing_values_of, whom_of

TARGET_CHOICES: Final = (
    ("all", "All that fit"),
    ("only", "Only the marked ones"),
    ("without", "All but the marked ones"),
)


@require_http_methods(["GET", "POST"])
@page(Permission.DeploymentCreate)
def deploy_page(request: PageRequest, project: str, version: str) -> HttpResponse:
    """Choose, look at the plan, deploy."""
    release = release_of(request, project, version)
    earlier = earlier_of(request, release)
    whom = whom_of(request, release, earlier)
    boxes = []
    if (progression := whom.progression) is not None:
        seen = visible_environments(request)
        boxes = boxes_of(progression, places_of(request, release, progression, seen, whom))
    ordered = [place for box in boxes for place in box.places]
    wanted = request.POST.get("environment") or request.GET.get("environment", "")
    if earlier is not None and not wanted:
        wanted = f"Environments-{earlier.environment_id}"
    chosen = _chosen(ordered, wanted)
    values = {
        **project_frame(request, release.project, "Releases"),
        "release": release,
        "whom": whom,
        "places": ordered,
        "place": chosen,
        "now": utc_now(),
        "earlier": earlier,
    }
    if chosen is None:
        return show(request, "releases/deploy.html", values)
    environment = chosen.environment
    prompts = prompts_for(release, environment=environment.public_id, tenant=whom.scope)
    if request.method == "GET":
        sent = choices_of(earlier, prompts) if earlier else QueryDict("")
        return _page(request, values, release, chosen, prompts, sent)
    if "preview" in request.POST:
        return _page(request, values, release, chosen, prompts, request.POST)
    deployment, problems = attempt(
        lambda: create_deployment(
            actor=request.actor,
            release=release,
            environment=environment,
            tenant=whom.tenant,
            options=options_of(request.POST, prompts),
        )
    )
    if deployment is None:
        return _page(request, values, release, chosen, prompts, request.POST, problems)
    messages.success(
        request,
        f"The deployment of {release.version} to {environment.name}{whom.words} is in the queue.",
    )
    return go(request, f"tasks/ServerTasks-{deployment.task_id}")


def _chosen(places: Sequence[PlaceView], wanted: str) -> PlaceView | None:
    """Return the environment of the address, else the one that comes next."""
    for place in places:
        if wanted.lower() in {place.environment.public_id.lower(), place.environment.slug}:
            return place if place.may_deploy and place.is_reachable else None
    if wanted:
        return None
    return next_place(places) or next(
        (place for place in places if place.may_deploy and place.is_reachable), None
    )


def _page(
    request: PageRequest,
    values: dict[str, Any],
    release: Release,
    place: PlaceView,
    prompts: Sequence[Prompt],
    sent: QueryDict,
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    only, without = _marked(sent, "machine")
    only_tags, without_tags = _marked(sent, "tag")
    skipped = sent.getlist("skip")
    whom: Whom = values["whom"]
    there = machines_there(request.space, place.environment, request.actor)
    planned = plan_of(
        release,
        place.environment,
        there=there,
        tenant=whom.scope,
        only=only,
        without=without,
        only_tags=only_tags,
        without_tags=without_tags,
        skipped=skipped,
    )
    coming = coming_deployment(
        release,
        place.environment,
        _plan_options(sent, prompts),
        viewer=request.actor,
        tenant=whom.scope,
    )
    values |= {
        **_plan_values(request, release, place, planned, whom.number),
        "exact": plan_of_coming(coming, viewer=request.actor, there=there),
        "story": story_of(coming, request.actor),
        "prompts": [(prompt, *answer_of(request, prompt, sent)) for prompt in prompts],
        **shown_choices(planned, sent),
        **_warnings(release, place, whom.number),
        "missing_values": missing_values_of(release, whom.scope, place.environment),
        "asks_by_default": uses_guided_failure(release, place.environment, wish=None),
        "skipped": skipped,
    }
    if request.headers.get("HX-Target") == "plan":
        return show(request, "releases/_plan.html", values)
    return show(request, "releases/deploy.html", values, problems)


def _warnings(release: Release, place: PlaceView, tenant: int | None) -> dict[str, Any]:
    """Return what speaks against deploying now."""
    return {
        "missing": missing_of(release),
        "defect": unresolved_defect(release),
        "waits_for_people": waiting_for_people(release, place.environment, tenant),
    }


def shown_choices(planned: Sequence[PlannedAction], sent: QueryDict) -> dict[str, Any]:
    """Return what was chosen in the form, and the tags to choose from."""
    tags = {tag for target in targets_of(planned) for tag in target.roles}
    return {
        "sent": sent,
        "marked": sent.getlist("machine"),
        "tags": sorted(tags, key=str.lower),
        "marked_tags": sent.getlist("tag"),
        "target_choice": sent.get("targets", "all"),
        "target_choices": TARGET_CHOICES,
        "when": sent.get("when", "now"),
        "priority": sent.get("priority", "LifecycleDefault"),
    }


def _plan_values(
    request: PageRequest,
    release: Release,
    place: PlaceView,
    planned: Sequence[PlannedAction],
    tenant: int | None,
) -> dict[str, Any]:
    """Return the actions to choose from, their targets and the freezes of the place."""
    settings = deployment_settings(release.project.settings)
    return {
        "planned": planned,
        "targets": targets_of(planned),
        "lacks_targets": lacks_targets(planned) and not settings.allow_no_targets,
        "unavailable": _unavailable(planned),
        "left_out": sorted(
            {target.name for action in planned for target in action.excluded}, key=str.lower
        ),
        **_freezes(request, release, place, tenant),
    }


def _plan_options(sent: QueryDict, prompts: Sequence[Prompt]) -> DeploymentOptions:
    """Return the choices that make the plan; what is wrong with the others is said later."""
    only, without = _marked(sent, "machine")
    only_tags, without_tags = _marked(sent, "tag")
    return DeploymentOptions(
        skip_actions=tuple(sent.getlist("skip")),
        specific_machines=only,
        excluded_machines=without,
        specific_tags=only_tags,
        excluded_tags=without_tags,
        use_guided_failure={"ask": True, "fail": False}.get(sent.get("guided", "")),
        form_values=_form_values(sent, prompts),
    )


def _freezes(
    request: PageRequest, release: Release, place: PlaceView, tenant: int | None
) -> dict[str, Any]:
    """Return the freezes that hold the place, the next one, and who may pass them."""
    freezes, now = freezes_of_project(request.space, release.project_id), utc_now()
    number = place.environment.pk
    held: tuple[HeldBy, ...] = freezes.holding(number, tenant=tenant, at=now)
    return {
        "held": held,
        "next_freeze": None if held else freezes.coming(number, tenant=tenant, after=now),
        "may_override": request.grants.allows(Permission.DeploymentFreezeAdminister),
    }


def targets_of(planned: Sequence[PlannedAction]) -> list[Target]:
    """Return every target that a step could run on, taken or left out, by name."""
    found = {
        target.id: target for action in planned for target in (*action.targets, *action.excluded)
    }
    return sorted(found.values(), key=lambda target: target.name.lower())


def _unavailable(planned: Sequence[PlannedAction]) -> list[str]:
    names = {t.name for action in planned if not action.is_skipped for t in action.unavailable}
    return sorted(names, key=str.lower)


def _marked(sent: QueryDict, kind: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the targets, or the tags of those, to use alone and those to leave out."""
    marked = tuple(sent.getlist(kind))
    choice = sent.get("targets", "all")
    return (marked if choice == "only" else (), marked if choice == "without" else ())


def answer_of(
    request: PageRequest, prompt: Prompt, sent: QueryDict
) -> tuple[str, str, list[tuple[str, str]]]:
    """Return the text to show, the kind of control and its options."""
    kind = prompt.display.get(CONTROL_TYPE) or "SingleLineText"
    if prompt.is_sensitive:
        return "", SENSITIVE, []
    text = sent.get(f"prompt:{prompt.id}", prompt.default)
    options = kind_options(request, prompt.kind)
    if kind == "Select":
        options = list(choices_of_select(prompt.display.get(SELECT_OPTIONS, "")))
    if options and text and all(text != value for value, _ in options):
        options.append((text, text))
    return text, kind, options


def options_of(sent: QueryDict, prompts: Sequence[Prompt]) -> DeploymentOptions:
    """Read the form; raises Invalid for a time that is none."""
    only, without = _marked(sent, "machine")
    only_tags, without_tags = _marked(sent, "tag")
    if sent.get("targets") == "only" and not (only or only_tags):
        raise Invalid("Mark at least one target or tag, or deploy to all that fit.")
    later = sent.get("when") == "later"
    return DeploymentOptions(
        comments=sent.get("comments", ""),
        use_guided_failure={"ask": True, "fail": False}.get(sent.get("guided", "")),
        priority=sent.get("priority", "LifecycleDefault"),
        freeze_reason=sent.get("freeze_reason", ""),
        skip_actions=tuple(sent.getlist("skip")),
        specific_machines=only,
        excluded_machines=without,
        specific_tags=only_tags,
        excluded_tags=without_tags,
        force_package_download=True if sent.get("force_download") else None,
        force_package_redeployment=bool(sent.get("force_install")),
        form_values=_form_values(sent, prompts),
        not_before=_time(sent, "not_before", "the start") if later else None,
        expires=_time(sent, "expires", "the latest start") if sent.get("expires") else None,
    )


def _form_values(sent: QueryDict, prompts: Sequence[Prompt]) -> Mapping[str, str]:
    """Return the answers; a sensitive one left empty keeps the stored value."""
    answers = {}
    for prompt in prompts:
        text = sent.get(f"prompt:{prompt.id}")
        if prompt.display.get(CONTROL_TYPE) == "Checkbox":
            text = "True" if text else "False"
        if text is None or (prompt.is_sensitive and not text):
            continue
        answers[prompt.id] = text.replace("\r\n", "\n")
    return answers


def _time(sent: QueryDict, name: str, words: str) -> datetime:
    try:
        return datetime.fromisoformat(sent.get(name, "")).replace(tzinfo=UTC)
    except ValueError:
        raise Invalid(f"Give the date and time of {words}.") from None
