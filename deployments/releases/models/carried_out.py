"""What deployments and runs of runbooks have in common."""

from typing import ClassVar

from django.db import models

from deployments.base.models import SpaceOwned


class CarriedOut(SpaceOwned):
    """Something frozen that goes to an environment, carried out by exactly one server task.

    `options` holds what was chosen at creation: skip_actions (action ids), specific_machines,
    excluded_machines (public ids), specific_tags, excluded_tags, force_package_download,
    force_package_redeployment, form_values, use_guided_failure.
    """

    scope_paths: ClassVar[dict[str, str]] = {
        "project": "project_id",
        "project_group": "project__group_id",
        "environment": "environment_id",
        "tenant": "tenant_number",
    }

    tenant_number = models.BigIntegerField(null=True, blank=True)
    comments = models.TextField(blank=True)
    options = models.JSONField(default=dict)
    created = models.DateTimeField()
    deployed_by = models.CharField(max_length=100)
    deployed_by_name = models.CharField(max_length=200)
    deployed_machines = models.JSONField(default=list)

    class Meta:
        abstract = True
