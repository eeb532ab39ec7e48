from django.apps import AppConfig


class InsightsConfig(AppConfig):
    name = "deployments.insights"
    label = "insights"
