from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "deployments.gateway"
    label = "gateway"
