"""The models of the ground floor."""

from deployments.base.models.cursor import EventCursor
from deployments.base.models.event import AppendOnly, Event, EventRelated, EventRemoval
from deployments.base.models.setting import ServerSetting
from deployments.base.models.space import Deletion, Space, SpaceIndexed, SpaceOwned

__all__ = [
    "AppendOnly",
    "Deletion",
    "Event",
    "EventCursor",
    "EventRelated",
    "EventRemoval",
    "ServerSetting",
    "Space",
    "SpaceIndexed",
    "SpaceOwned",
]
