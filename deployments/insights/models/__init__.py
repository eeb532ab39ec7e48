"""What people keep for themselves on the dashboard."""

from deployments.insights.models.configuration import DashboardConfiguration
from deployments.insights.models.favourite import Favourite

__all__ = ["DashboardConfiguration", "Favourite"]
