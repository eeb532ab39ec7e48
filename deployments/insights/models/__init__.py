"""What people keep for themselves on the dashboard, and what metrics are made of."""

from deployments.insights.models.configuration import DashboardConfiguration
from deployments.insights.models.favourite import Favourite
from deployments.insights.models.outcome import DeploymentOutcome

__all__ = ["DashboardConfiguration", "DeploymentOutcome", "Favourite"]
