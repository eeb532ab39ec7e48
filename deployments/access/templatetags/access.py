"""Saying in a template whom to ask for a permission."""

from collections.abc import Mapping
from typing import Any

from django import template

from deployments.access.web.who_can import who_has

register = template.Library()


@register.simple_tag(takes_context=True)
def who_can(
    context: Mapping[str, Any],
    permission: str,
    project: Any = None,
    environment: Any = None,
    tenant: Any = None,
) -> str:
    """Say which teams have the permission on these things, without any anywhere."""
    values: dict[str, int] = {}
    if project is not None:
        values |= {"project": project.pk, "project_group": project.group_id}
    if environment is not None:
        values["environment"] = environment.pk
    if tenant is not None:
        values["tenant"] = tenant.pk
    return who_has(context["request"], permission, **values)
