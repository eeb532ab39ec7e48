"""`/api/subscriptions`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from rest_framework import serializers

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.audit.filters import filter_from_wire
from deployments.audit.models import Subscription
from deployments.audit.services import subscriptions as services
from deployments.audit.services.subscriptions import PRIORITIES, SubscriptionValues
from deployments.base.api import fields
from deployments.base.api.links import space_path
from deployments.base.api.serializers import ResourceSerializer, SpaceResourceSerializer
from deployments.base.errors import Invalid
from deployments.base.timespans import format_timespan, parse_timespan

_HOUR = timedelta(hours=1)
_TEN_SECONDS = timedelta(seconds=10)


class SpanField(serializers.Field[timedelta, Any, str, Any]):
    """A time span such as `01:00:00`."""

    def to_representation(self, value: timedelta) -> str:
        return format_timespan(value)

    def to_internal_value(self, data: Any) -> timedelta:
        span = parse_timespan(data)
        if span is None:
            raise serializers.ValidationError("A time span such as 01:00:00 is expected.")
        return span


class FilterSerializer(ResourceSerializer):
    users = fields.texts()
    projects = fields.texts()
    project_groups = fields.texts()
    environments = fields.texts()
    event_groups = fields.texts()
    event_categories = fields.texts()
    event_agents = fields.texts()
    tenants = fields.texts()
    tags = fields.texts()
    document_types = fields.texts()


class NotificationSerializer(ResourceSerializer):
    wire_names: ClassVar = {"webhook_uri": "WebhookURI"}

    filter = FilterSerializer(required=False)
    email_teams = fields.texts()
    email_frequency_period = SpanField(default=_HOUR)
    email_priority = serializers.ChoiceField(choices=PRIORITIES, default="Normal")
    email_show_dates_in_time_zone_id = fields.text(default="UTC")
    webhook_uri = fields.text()
    webhook_teams = fields.texts()
    webhook_timeout = SpanField(default=_TEN_SECONDS)
    webhook_header_key = fields.text()
    webhook_header_value = serializers.CharField(
        allow_null=True, allow_blank=True, default=None, trim_whitespace=False
    )


class SubscriptionSerializer(SpaceResourceSerializer):
    """The header's value is never shown; null keeps it, an empty text removes it."""

    name = serializers.CharField()
    type = serializers.ChoiceField(choices=("Event",), default="Event")
    is_disabled = fields.flag()
    event_notification_subscription = NotificationSerializer(source="*")

    def to_representation(self, instance: Subscription) -> dict[str, Any]:
        return {
            "Id": instance.public_id,
            "SpaceId": self.get_space_id(instance),
            "Name": instance.name,
            "Type": "Event",
            "IsDisabled": instance.is_disabled,
            "EventNotificationSubscription": {
                "Filter": dict(instance.wanted),
                "EmailTeams": instance.email_teams,
                "EmailFrequencyPeriod": format_timespan(timedelta(seconds=instance.email_period_s)),
                "EmailPriority": instance.email_priority,
                "EmailShowDatesInTimeZoneId": instance.time_zone,
                "WebhookURI": instance.webhook_uri,
                "WebhookTeams": instance.webhook_teams,
                "WebhookTimeout": format_timespan(timedelta(seconds=instance.webhook_timeout_s)),
                "WebhookHeaderKey": instance.header_name,
                "WebhookHeaderValue": None,
            },
            "Links": self.get_links(instance),
        }

    def get_links(self, row: Subscription) -> dict[str, str]:
        return {"Self": space_path(row.space, f"subscriptions/{row.public_id}")}


class SubscriptionViewSet(SpaceViewSet[Subscription]):
    """Subscriptions of a space, or of all spaces where none is named."""

    model = Subscription
    serializer_class = SubscriptionSerializer
    item_type = "Subscription"
    path = "subscriptions"
    spans_spaces = True
    query_names = ("skip", "take", "ids", "partialName", "spaces")
    permission_map: ClassVar = {
        "list": Permission.SubscriptionView,
        "all": Permission.SubscriptionView,
        "retrieve": Permission.SubscriptionView,
        "create": Permission.SubscriptionCreate,
        "update": Permission.SubscriptionEdit,
        "destroy": Permission.SubscriptionDelete,
    }

    def get_queryset(self) -> Any:
        return super().get_queryset().select_related("space")

    def create_row(self, data: dict[str, Any]) -> Subscription:
        return services.create_subscription(
            actor=self.actor, space=self.space, values=_values(data)
        )

    def update_row(self, row: Subscription, data: dict[str, Any]) -> Subscription:
        return services.change_subscription(
            actor=self.actor, subscription=row, values=_values(data)
        )

    def destroy_row(self, row: Subscription) -> None:
        services.delete_subscription(actor=self.actor, subscription=row)


def _values(data: Mapping[str, Any]) -> SubscriptionValues:
    wanted = data.get("filter") or {}
    period, timeout = data["email_frequency_period"], data["webhook_timeout"]
    for name, span in (("EmailFrequencyPeriod", period), ("WebhookTimeout", timeout)):
        if span.microseconds:
            raise Invalid(fields={name: ["Whole seconds."]})
    return SubscriptionValues(
        name=data["name"],
        is_disabled=data["is_disabled"],
        wanted=filter_from_wire({_wire(name): values for name, values in wanted.items()}),
        email_teams=tuple(data["email_teams"]),
        email_period_s=int(period.total_seconds()),
        email_priority=data["email_priority"],
        time_zone=data["email_show_dates_in_time_zone_id"] or "UTC",
        webhook_uri=data["webhook_uri"],
        webhook_teams=tuple(data["webhook_teams"]),
        webhook_timeout_s=int(timeout.total_seconds()),
        header_name=data["webhook_header_key"],
        header_value=data["webhook_header_value"],
    )


def _wire(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
