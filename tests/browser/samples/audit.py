"""A subscription with something to send, and archives of the days that have ended."""

from deployments.audit.filters import EventFilter
from deployments.audit.models import Subscription
from deployments.audit.services.archiving import archive_days
from deployments.audit.services.keeping import check_archive
from deployments.audit.services.matching import match_events
from deployments.audit.services.subscriptions import SubscriptionValues, create_subscription
from deployments.base.actor import Actor
from tests.factories import default_space
from tests.factories.execution import SettableClock


def make_subscription(manager: Actor) -> Subscription:
    """Subscribe to failures, from now on."""
    match_events()
    values = SubscriptionValues(
        name="Failures to the pager",
        wanted=EventFilter(groups=("DeploymentCritical", "MachineCritical")),
        webhook_uri="https://pager.example.invalid/octopus",
        email_teams=("teams-administrators",),
    )
    return create_subscription(actor=manager, space=default_space(), values=values)


def keep_events() -> None:
    """Do what the audit does by the clock."""
    match_events()
    tomorrow = SettableClock()
    tomorrow.forward(25 * 3600)
    archive_days(clock=tomorrow)
    check_archive()
