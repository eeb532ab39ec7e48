"""How near the expiry of a certificate is; pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from deployments.library.certificates.facts import days_left

# Days before the expiry at which an event tells of it; infrastructure.md 11.
MARKS: Final = (20, 10, 0)
CATEGORIES: Final = {
    20: "CertificateExpiresIn20Days",
    10: "CertificateExpiresIn10Days",
    0: "CertificateExpired",
}


@dataclass(frozen=True, slots=True)
class Expiry:
    """The days that are left, and what to say of them; `state` is the name of a badge."""

    days: int
    state: str
    words: str


def expiry_of(not_after: datetime, now: datetime) -> Expiry:
    """Return what to say of a certificate that is good until then."""
    days = days_left(not_after, now)
    if not_after <= now:
        gone = -days - 1
        words = f"Expired {gone} day{'' if gone == 1 else 's'} ago" if gone else "Expired today"
        return Expiry(days, "Failed", words)
    if days < MARKS[0]:
        words = f"Expires in {days} day{'' if days == 1 else 's'}" if days else "Expires today"
        return Expiry(days, "SuccessWithWarning", words)
    return Expiry(days, "Success", f"Good for {days} days")


def mark_reached(not_after: datetime, now: datetime, told: int | None) -> int | None:
    """Return the nearest mark that was reached and not yet told; None when there is none."""
    if not_after <= now:
        reached = 0
    else:
        passed = [mark for mark in MARKS if days_left(not_after, now) < mark]
        if not passed:
            return None
        reached = min(passed)
    return reached if told is None or reached < told else None
