"""Writes of releases and deployments."""

from deployments.releases.options import DeploymentOptions
from deployments.releases.services.deployments import create_deployment
from deployments.releases.services.editing import (
    delete_release,
    update_release,
    update_variables_of_release,
)
from deployments.releases.services.releases import create_release
from deployments.releases.services.several import Place, create_deployments

__all__ = [
    "DeploymentOptions",
    "Place",
    "create_deployment",
    "create_deployments",
    "create_release",
    "delete_release",
    "update_release",
    "update_variables_of_release",
]
