"""The models of the ground floor."""

from deployments.base.models.cursor import EventCursor
from deployments.base.models.event import Event, EventRelated
from deployments.base.models.setting import ServerSetting
from deployments.base.models.space import Space, SpaceOwned

__all__ = ["Event", "EventCursor", "EventRelated", "ServerSetting", "Space", "SpaceOwned"]
