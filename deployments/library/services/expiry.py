"""Telling of certificates that expire: one event at each mark, for subscriptions to listen to."""

from datetime import timedelta

from django.db import transaction

from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.library.certificates.expiry import CATEGORIES, MARKS, expiry_of, mark_reached
from deployments.library.models import Certificate
from deployments.library.queries import environment_numbers_of, tenant_numbers_of


def tell_of_expiry(*, clock: Clock = utc_now) -> int:
    """Record an event for each certificate that has come to a mark; return how many.

    Archived ones are left out. It may run twice at once: only one of them marks the row.
    """
    now = clock()
    ending = (
        Certificate.objects.unscoped(reason="certificates of all spaces are looked at")
        .filter(archived=None, not_after__lte=now + timedelta(days=MARKS[0]))
        .exclude(told=0)
        .select_related("space")
    )
    told = 0
    for row in ending.order_by("pk"):
        mark = mark_reached(row.not_after, now, row.told)
        if mark is None:
            continue
        with transaction.atomic():
            rows = Certificate.objects.in_space(row.space).filter(pk=row.pk, told=row.told)
            if not rows.update(told=mark):
                continue
            words = expiry_of(row.not_after, now).words.lower()
            events.record(
                actor=Actor.system("certificates are looked at"),
                space=row.space,
                category=CATEGORIES[mark],
                message=f"Certificate {row.name} {words}",
                subject=row.public_id,
                related=[
                    *(f"Environments-{n}" for n in environment_numbers_of([row])[row.pk]),
                    *(f"Tenants-{number}" for number in tenant_numbers_of([row])[row.pk]),
                ],
                clock=clock,
            )
            told += 1
    return told
