"""Cells of matrices: drawn hundreds of times on a page, so tags and not included templates.

Each cell is written at once: Django's `format_html` costs more than all else in it. What people
have named is escaped where it is read.
"""

from collections.abc import Collection, Iterable, Mapping
from html import escape
from typing import Any, Final

from django import template
from django.utils.safestring import SafeString

from deployments.base.templatetags.portal import icon, moment, state
from deployments.infrastructure.models import Environment
from deployments.releases.cells import Cell, Deployed
from deployments.releases.preview import Target
from deployments.releases.services.exact_plan import ExactPlace

register = template.Library()

_NOT_DEPLOYED: Final = '<span class="cell-none">Not deployed</span>'
_UNREACHABLE: Final = '<span class="cell-none">Not in the lifecycle</span>'
_NOT_CONNECTED: Final = ' <span class="subtle small">not connected</span>'
_NOTHING: Final = (
    '<span class="cell-none"><span aria-hidden="true">–</span>'
    '<span class="visually-hidden">Not deployed</span></span>'
)


@register.simple_tag(takes_context=True)
def matrix_cells(
    context: Mapping[str, Any], cells: Iterable[Cell], slug: str, key: int
) -> SafeString:
    """Draw the cells of a row, below the environments in `names` of the page.

    `key` makes their ids unique on the page.
    """
    base, tallies = context["base"], context.get("tallies", {})
    names: Mapping[int, Environment] = context["names"]
    project, tenant = f"{base}/projects/{escape(slug)}", context.get("deploys_for", "")
    return SafeString(
        "".join(
            _named(
                names[cell.environment],
                _cell(base, project, cell, names[cell.environment], key, tenant=tenant)
                + _tally(tallies.get((key, cell.environment)) if cell.deployed else None),
            )
            for cell in cells
        )
    )


@register.simple_tag(takes_context=True)
def matrix_cell(
    context: Mapping[str, Any],
    cell: Cell,
    environment: Environment,
    slug: str,
    key: int,
    tenant: str = "",
) -> SafeString:
    """Draw a cell with the version that is there; `key` makes its ids unique on the page.

    `tenant` is the public id of the one for whom its button deploys, else that of the page.
    """
    base, tenant = context["base"], tenant or context.get("deploys_for", "")
    project = f"{base}/projects/{escape(slug)}"
    return SafeString(_cell(base, project, cell, environment, key, tenant=tenant))


def _cell(
    base: str, project: str, cell: Cell, environment: Environment, key: int, *, tenant: str
) -> str:
    deploy = _deploy(project, cell, environment, key, tenant=tenant)
    if cell.deployed is None:
        none = _NOT_DEPLOYED if cell.is_reachable else _UNREACHABLE
        return f'<div class="cell-top">{none}{deploy}</div>' if deploy else none
    version = escape(cell.deployed.version)
    return (
        f'<div class="cell-top"><a class="version" id="v-{key}-{environment.pk}"'
        f' href="{project}/releases/{version}">{version}</a>{deploy}</div>'
        f"{_state(base, cell.deployed, environment, key)}"
    )


def _tally(tally: tuple[int, int] | None) -> str:
    """Say how many of the tenants have the version of the cell."""
    if tally is None:
        return ""
    have, of = tally
    return (
        f'<div class="tally">{icon("tenants")}{have}/{of}'
        '<span class="visually-hidden"> tenants have it</span></div>'
    )


@register.simple_tag(takes_context=True)
def release_cells(
    context: Mapping[str, Any], cells: Iterable[Cell], slug: str, key: int
) -> SafeString:
    """Draw the cells of a release's own row: its state there, or the button to deploy it."""
    base, names = context["base"], context["names"]
    project = f"{base}/projects/{escape(slug)}"
    return SafeString(
        "".join(
            _named(names[cell.environment], _of_release(base, project, cell, names, key))
            for cell in cells
        )
    )


def _of_release(
    base: str, project: str, cell: Cell, names: Mapping[int, Environment], key: int
) -> str:
    environment = names[cell.environment]
    deploy = _deploy(project, cell, environment, key, "Deploy")
    top = f'<div class="cell-top cell-top-end">{deploy}</div>' if deploy else ""
    if cell.deployed is not None:
        return top + _state(base, cell.deployed, environment, key)
    return top or (_NOTHING if cell.is_reachable else _UNREACHABLE)


def _named(environment: Environment, html: str) -> str:
    """Return a cell that says its environment where the heads of columns are not shown."""
    return f'<td><span class="cell-env">{escape(environment.name)}</span>{html}</td>'


def _deploy(
    project: str,
    cell: Cell,
    environment: Environment,
    key: int,
    words: str = "",
    *,
    tenant: str = "",
) -> str:
    if not cell.next_version:
        return ""
    version, whom = escape(cell.next_version), f"&amp;tenant={escape(tenant)}" if tenant else ""
    return (
        f'<a class="button button-small button-next" id="n-{key}-{environment.pk}"'
        f' href="{project}/releases/{version}/deploy?environment={environment.public_id}{whom}"'
        f' aria-label="Deploy {version} to {escape(environment.name)}">'
        f"{words or f'Deploy {version}'}</a>"
    )


def _state(base: str, deployed: Deployed, environment: Environment, key: int) -> str:
    return (
        f'<div class="cell-end"><a class="cell-state" id="t-{key}-{environment.pk}"'
        f' href="{base}/tasks/ServerTasks-{deployed.task}">'
        f"{state(deployed.shown_state, 'quiet')}</a>{moment(deployed.moment)}</div>"
    )


@register.simple_tag
def target_chips(targets: Iterable[ExactPlace]) -> SafeString:
    """Draw the names of a step's targets."""
    return SafeString(
        "".join(f'<span class="chip">{escape(target.name)}</span> ' for target in targets)
    )


@register.simple_tag
def target_choices(targets: Iterable[Target], marked: Collection[str]) -> SafeString:
    """Draw a box to tick for each target."""
    parts = []
    for target in targets:
        tick = " checked" if target.id in marked else ""
        away = "" if target.is_available else _NOT_CONNECTED
        parts.append(
            f'<label class="choice"><input type="checkbox" name="machine"'
            f' value="{target.id}"{tick}>'
            f' <span class="mono">{escape(target.name)}</span>{away}</label>'
        )
    return SafeString("".join(parts))
