"""Subscriptions."""

from deployments.audit.models import Subscription
from deployments.audit.services.subscriptions import SubscriptionValues, create_subscription
from tests.factories.numbers import NUMBERS
from tests.factories.people import SYSTEM
from tests.factories.spaces import default_space


def make_subscription() -> Subscription:
    """Create a subscription that sends nothing."""
    values = SubscriptionValues(name=f"Subscription {next(NUMBERS)}")
    return create_subscription(actor=SYSTEM, space=default_space(), values=values)
