from django.apps import AppConfig


class InsightsConfig(AppConfig):
    name = "deployments.insights"
    label = "insights"

    def ready(self) -> None:
        from deployments.base.following.consumers import register_consumer  # noqa: PLC0415 models come first
        from deployments.insights.services import outcomes  # noqa: PLC0415 as above

        register_consumer(
            outcomes.NAME,
            label=outcomes.LABEL,
            categories=outcomes.CATEGORIES,
            handle=outcomes.follow_ends,
        )
