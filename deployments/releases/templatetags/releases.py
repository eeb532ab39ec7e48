"""Cells of matrices: drawn hundreds of times on a page, so tags and not included templates.

Each cell is written at once: Django's `format_html` costs more than all else in it. What people
have named is escaped where it is read.
"""

from collections.abc import Mapping
from html import escape
from typing import Any, Final

from django import template
from django.utils.safestring import SafeString

from deployments.base.templatetags.portal import icon, moment, state
from deployments.infrastructure.models import Environment
from deployments.releases.cells import Cell, Deployed

register = template.Library()

_NOT_DEPLOYED: Final = '<span class="cell-none">Not deployed</span>'
_UNREACHABLE: Final = '<span class="cell-none">Not in the lifecycle</span>'
_NOTHING: Final = (
    '<span class="cell-none"><span aria-hidden="true">–</span>'
    '<span class="visually-hidden">Not deployed</span></span>'
)


@register.simple_tag(takes_context=True)
def matrix_cell(
    context: Mapping[str, Any], cell: Cell, environment: Environment, slug: str, key: int
) -> SafeString:
    """Draw a cell with the version that is there; `key` makes its ids unique on the page."""
    base = context["base"]
    project = f"{base}/projects/{escape(slug)}"
    deploy = _deploy(project, cell, environment, key, tenant=context.get("deploys_for", ""))
    if cell.deployed is None:
        none = _NOT_DEPLOYED if cell.is_reachable else _UNREACHABLE
        return SafeString(f'<div class="cell-top">{none}{deploy}</div>' if deploy else none)
    version = escape(cell.deployed.version)
    return SafeString(
        f'<div class="cell-top"><a class="version" id="v-{key}-{environment.pk}"'
        f' href="{project}/releases/{version}">{version}</a>{deploy}</div>'
        f"{_state(base, cell.deployed, environment, key)}"
        f"{_tally(context.get('tallies', {}).get((key, environment.pk)))}"
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
def release_cell(
    context: Mapping[str, Any], cell: Cell, environment: Environment, slug: str, key: int
) -> SafeString:
    """Draw a cell of a release's own row: its state there, or the button to deploy it."""
    project = f"{context['base']}/projects/{escape(slug)}"
    deploy = _deploy(project, cell, environment, key, "Deploy")
    top = f'<div class="cell-top cell-top-end">{deploy}</div>' if deploy else ""
    if cell.deployed is not None:
        return SafeString(top + _state(context["base"], cell.deployed, environment, key))
    return SafeString(top or (_NOTHING if cell.is_reachable else _UNREACHABLE))


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
