"""Help with templates in steps and values: names to choose from, and what looks wrong."""

from collections.abc import Sequence
from typing import Final

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_POST

from agent.language.checking import check_template
from deployments.access.permissions import Permission
from deployments.access.web.forms import show
from deployments.access.web.pages import PageRequest, find, page
from deployments.base.finding import find as find_row
from deployments.infrastructure.models import Environment, Machine
from deployments.library.models import LibraryVariableSet
from deployments.projects.models import Project
from deployments.projects.process import Action, Step
from deployments.projects.process.editing import step_of
from deployments.projects.queries import read_process
from deployments.projects.step_catalogue import StepKind
from deployments.projects.template_names import (
    FILTER_NAMES,
    SYSTEM_NAMES,
    TemplateNames,
    names_in_set,
    texts_of_step,
)
from deployments.projects.template_tries import Place, tried
from deployments.projects.web.process_form import PREFIX, StepForm
from deployments.projects.web.process_owner import ProcessOwner, owner_of

_MOST_WARNINGS: Final = 5


@require_GET
@page(Permission.ProcessEdit)
def process_names(request: PageRequest, project: str) -> HttpResponse:
    """Answer with the names that templates may use, as JSON."""
    return _names(request, owner_of(request, project))


@require_GET
@page(Permission.RunbookEdit)
def runbook_names(request: PageRequest, project: str, runbook: str) -> HttpResponse:
    """Answer with the names that templates may use, as JSON."""
    return _names(request, owner_of(request, project, runbook))


@require_POST
@page(Permission.ProcessEdit)
def process_check(request: PageRequest, project: str) -> HttpResponse:
    """Say what seems wrong with the one setting that was sent."""
    return _check(request, owner_of(request, project))


@require_POST
@page(Permission.RunbookEdit)
def runbook_check(request: PageRequest, project: str, runbook: str) -> HttpResponse:
    """Say what seems wrong with the one setting that was sent."""
    return _check(request, owner_of(request, project, runbook))


@require_GET
@page(Permission.ProjectView)
def value_names(request: PageRequest, project: str) -> HttpResponse:
    """Answer with the names that values of the project may use, as JSON."""
    row = find(request, Project, project, Permission.ProjectView)
    return _answer(TemplateNames(request.actor, row).names)


@require_POST
@page(Permission.ProjectView)
def value_check(request: PageRequest, project: str) -> HttpResponse:
    """Say what seems wrong with the value that was sent."""
    row = find(request, Project, project, Permission.ProjectView)
    text = request.POST.get("value", "")
    return _findings(request, row, text, TemplateNames(request.actor, row).check(text))


@require_GET
@page(Permission.LibraryVariableSetView)
def set_names(request: PageRequest, library_set: str) -> HttpResponse:
    """Answer with the names that values of the set may use, as JSON."""
    row = find(request, LibraryVariableSet, library_set, Permission.LibraryVariableSetView)
    return _answer(names_in_set(request.actor, row))


@require_POST
@page(Permission.LibraryVariableSetView)
def set_check(request: PageRequest, library_set: str) -> HttpResponse:
    """Say what seems wrong with the value that was sent; no name is unknown."""
    row = find(request, LibraryVariableSet, library_set, Permission.LibraryVariableSetView)
    text = request.POST.get("value", "")
    return _findings(request, row, text, check_template(text, lambda _: True))


def findings_of_form(
    request: PageRequest, owner: ProcessOwner, form: StepForm
) -> dict[str, list[str]]:
    """Return what seems wrong with the texts of a form, by the names of its fields."""
    fields = [*form.main, *(field for fold in form.folds for field in fold.fields)]
    names = TemplateNames(request.actor, owner.project)
    found = {field.input_name: names.check(field.value) for field in fields}
    return {name: said for name, said in found.items() if said}


def warnings_of_step(
    request: PageRequest, owner: ProcessOwner, step: Step, action: Action, kind: StepKind | None
) -> list[str]:
    """Return what seems wrong with the texts of a step that was saved; a few, in words."""
    names = TemplateNames(request.actor, owner.project)
    said = [
        f"{label}: {words}"
        for label, text in texts_of_step(step, action, kind)
        for words in names.check(text)
    ]
    more = len(said) - _MOST_WARNINGS
    return [*said[:_MOST_WARNINGS], f"And {more} more."] if more > 0 else said


def _names(request: PageRequest, owner: ProcessOwner) -> HttpResponse:
    return _answer(TemplateNames(request.actor, owner.project).names)


def _answer(names: list[str]) -> HttpResponse:
    return JsonResponse({"Names": [*names, *SYSTEM_NAMES], "Filters": FILTER_NAMES})


def _check(request: PageRequest, owner: ProcessOwner) -> HttpResponse:
    text = next((request.POST[name] for name in request.POST if name.startswith(PREFIX)), "")
    findings = TemplateNames(request.actor, owner.project).check(text)
    step = step_of(read_process(owner.stored), request.POST.get("step", ""))
    roles = step.target_roles if step else ()
    process = owner.runbook.public_id if owner.runbook else ""
    return _findings(request, owner.project, text, findings, roles, process)


def _findings(
    request: PageRequest,
    owner: Project | LibraryVariableSet,
    text: str,
    findings: list[str],
    roles: Sequence[str] = (),
    process: str = "",
) -> HttpResponse:
    """Say what seems wrong and, where a place was chosen, what the text would become there."""
    sent, who = request.POST, (request.actor, request.space)
    environments = Environment.objects.visible_to(*who, Permission.EnvironmentView)
    machines = Machine.objects.visible_to(*who, Permission.MachineView)
    place = Place(
        environment=find_row(environments, sent.get("try_environment", "")),
        machine=find_row(machines, sent.get("try_target", "")),
        target_roles=roles,
        action=sent.get("step", ""),
        process=process,
    )
    values = {
        "findings": findings,
        "place": place.words,
        "tried": tried(request.actor, owner, text, place) if place.words else "",
    }
    return show(request, "projects/_template_check.html", values)
