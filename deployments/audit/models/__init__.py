"""The models of the audit; events themselves stand on the ground floor."""

from deployments.audit.models.archive import EventArchive
from deployments.audit.models.subscription import Delivery, DeliveryState, Subscription

__all__ = ["Delivery", "DeliveryState", "EventArchive", "Subscription"]
