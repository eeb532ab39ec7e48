"""Cells of matrices: drawn hundreds of times on a page, so tags and not included templates."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deployments.base.templatetags.portal import icon, moment, state
from deployments.infrastructure.models import Environment
from deployments.releases.cells import Cell, Deployed

register = template.Library()


@register.simple_tag(takes_context=True)
def matrix_cell(
    context: Mapping[str, Any], cell: Cell, environment: Environment, slug: str, key: int
) -> SafeString:
    """Draw a cell with the version that is there; `key` makes its ids unique on the page."""
    project = f"{context['base']}/projects/{slug}"
    deploy = _deploy(project, cell, environment, key, tenant=context.get("deploys_for", ""))
    if cell.deployed is None:
        word = "Not deployed" if cell.is_reachable else "Not in the lifecycle"
        none = format_html('<span class="cell-none">{}</span>', word)
        return format_html('<div class="cell-top">{}{}</div>', none, deploy) if deploy else none
    return format_html(
        '<div class="cell-top"><a class="version" id="v-{}-{}" href="{}/releases/{}">{}</a>{}</div>'
        "{}{}",
        key,
        environment.pk,
        project,
        cell.deployed.version,
        cell.deployed.version,
        deploy,
        _state(context["base"], cell.deployed, environment, key),
        _tally(context.get("tallies", {}).get((key, environment.pk))),
    )


def _tally(tally: tuple[int, int] | None) -> SafeString | str:
    """Say how many of the tenants have the version of the cell."""
    if tally is None:
        return ""
    return format_html(
        '<div class="tally">{}{}/{}<span class="visually-hidden"> tenants have it</span></div>',
        icon("tenants"),
        *tally,
    )


@register.simple_tag(takes_context=True)
def release_cell(
    context: Mapping[str, Any], cell: Cell, environment: Environment, slug: str, key: int
) -> SafeString:
    """Draw a cell of a release's own row: its state there, or the button to deploy it."""
    deploy = _deploy(f"{context['base']}/projects/{slug}", cell, environment, key, "Deploy")
    parts = SafeString("")
    if deploy:
        parts += format_html('<div class="cell-top cell-top-end">{}</div>', deploy)
    if cell.deployed is not None:
        return parts + _state(context["base"], cell.deployed, environment, key)
    if parts:
        return parts
    if not cell.is_reachable:
        return format_html('<span class="cell-none">{}</span>', "Not in the lifecycle")
    return format_html(
        '<span class="cell-none"><span aria-hidden="true">–</span>'
        '<span class="visually-hidden">{}</span></span>',
        "Not deployed",
    )


def _deploy(
    project: str,
    cell: Cell,
    environment: Environment,
    key: int,
    words: str = "",
    *,
    tenant: str = "",
) -> SafeString | str:
    if not cell.next_version:
        return ""
    return format_html(
        '<a class="button button-small button-next" id="n-{}-{}"'
        ' href="{}/releases/{}/deploy?environment={}{}" aria-label="Deploy {} to {}">{}</a>',
        key,
        environment.pk,
        project,
        cell.next_version,
        environment.public_id,
        f"&tenant={tenant}" if tenant else "",
        cell.next_version,
        environment.name,
        words or f"Deploy {cell.next_version}",
    )


def _state(base: str, deployed: Deployed, environment: Environment, key: int) -> SafeString:
    return format_html(
        '<div class="cell-end"><a class="cell-state" id="t-{}-{}" href="{}/tasks/ServerTasks-{}">'
        "{}</a>{}</div>",
        key,
        environment.pk,
        base,
        deployed.task,
        state(deployed.shown_state, "quiet"),
        moment(deployed.moment),
    )
