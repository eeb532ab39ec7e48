"""Invitations: a code with which one person makes an account and joins teams."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from deployments.access.actors import actor_of
from deployments.access.grants import Grants, load_grants, team_changed
from deployments.access.models import Invitation, Team, User
from deployments.access.permissions import Permission
from deployments.access.services.guards import require_holds_team, require_over_team
from deployments.access.services.mail_settings import mail_settings, send_mail
from deployments.access.services.users import check_new_user, insert_user
from deployments.base import events
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid, NotPermitted
from deployments.base.secrets import Secret

LIFE: Final = timedelta(hours=48)
_CODE_BYTES: Final = 24
_GONE = "This invitation is used, withdrawn or out of date. Ask for a new one."


@dataclass(frozen=True)
class Invited:
    """A new invitation and its code, which nobody can read again."""

    row: Invitation
    code: Secret

    @property
    def link(self) -> str:
        """Return the address that the invited person opens."""
        return f"{settings.OCTOPUS.server_url}/app/join/{self.code.reveal()}"


def invite(
    *, actor: Actor, teams: Sequence[Team] = (), email: str = "", clock: Clock = utc_now
) -> Invited:
    """Invite one person into teams that the actor may fill. Raises Invalid."""
    load_grants(actor, None).require_system(Permission.UserInvite)
    inviter = User.objects.filter(pk=actor.user_id or 0, is_service=False).first()
    if inviter is None:
        raise Invalid("Only people invite others.")
    check_new_user(username="someone", display_name="Someone", email=email)
    for team in teams:
        _require_may_fill(actor, team)
    code, now = secrets.token_urlsafe(_CODE_BYTES), clock()
    with transaction.atomic():
        row = Invitation.objects.create(
            sha256=_digest(code),
            email=email.strip(),
            inviter=inviter,
            created=now,
            expires=now + LIFE,
        )
        row.teams.set(teams)
        whom = f" to {row.email}" if row.email else ""
        _record(actor, row, "Created", f"{actor.username} made an invitation{whom}", teams)
    return Invited(row, Secret(code))


def mail_invitation(*, actor: Actor, invited: Invited) -> str:
    """Send the link to the invited person; returns why that failed, or nothing."""
    if not mail_settings().is_configured:
        return "no SMTP server is set up under Administration, Outgoing."
    text = (
        f"{actor.display_name} invites you to the server {settings.OCTOPUS.server_url}.\n\n"
        f"Make your account here within 48 hours:\n{invited.link}\n"
    )
    return send_mail(invited.row.email, subject="You are invited to Octopus", body=text)


def revoke_invitation(*, actor: Actor, invitation: Invitation) -> None:
    """Withdraw an invitation."""
    load_grants(actor, None).require_system(Permission.UserInvite)
    with transaction.atomic():
        whom = f" to {invitation.email}" if invitation.email else ""
        _record(actor, invitation, "Deleted", f"An invitation{whom} was withdrawn", ())
        invitation.delete()


def find_invitation(code: str, *, clock: Clock = utc_now) -> Invitation:
    """Return the invitation of a code; raises Invalid when it is good no more.

    It is as good as its inviter, who must still be somebody who may invite.
    """
    rows = Invitation.objects.filter(
        sha256=_digest(code),
        expires__gt=clock(),
        inviter__is_active=True,
        inviter__is_service=False,
    )
    row = rows.select_related("inviter").first()
    if row is None or not _grants_of(row.inviter).allows_system(Permission.UserInvite):
        raise Invalid(_GONE)
    return row


def accept_invitation(
    *,
    code: str,
    username: str,
    password: str,
    display_name: str = "",
    email: str = "",
    clock: Clock = utc_now,
) -> User:
    """Make the account of the invited person and put it into the teams. Raises Invalid.

    Who invited must still be allowed to fill each team: what they lost meanwhile they do not give.
    """
    row = find_invitation(code, clock=clock)
    username = username.strip()
    if not password:
        raise Invalid(fields={"Password": ["A password is required."]})
    check_new_user(
        username=username, display_name=display_name or username, email=email, password=password
    )
    inviter = actor_of(row.inviter, "Automation")
    with transaction.atomic():
        teams = list(row.teams.all())
        _, taken = Invitation.objects.filter(pk=row.pk).delete()
        if not taken.get(Invitation._meta.label):  # noqa: SLF001 documented
            raise Invalid(_GONE)  # somebody else was quicker
        user = insert_user(
            username=username,
            display_name=display_name,
            email=email or row.email,
            password=password,
        )
        joined = [team for team in teams if _may_fill(inviter, team)]
        for team in joined:
            team.users.add(user)
        _record(
            actor_of(user, "Automation"),
            row,
            "Created",
            f"{user.username} joined by an invitation of {row.inviter.username}",
            joined,
            user.public_id,
            row.inviter.public_id,
        )
        team_changed()
    return user


def _grants_of(inviter: User) -> Grants:
    return load_grants(actor_of(inviter, "Automation"), None)


def _may_fill(actor: Actor, team: Team) -> bool:
    try:
        _require_may_fill(actor, team)
    except NotPermitted:
        return False
    return True


def _require_may_fill(actor: Actor, team: Team) -> None:
    if team.everyone:
        raise Invalid(fields={"AddToTeamIds": [f"Everybody is in {team.name} anyway."]})
    require_over_team(actor, team, Permission.TeamEdit)
    require_holds_team(actor, team)


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _record(
    actor: Actor,
    row: Invitation,
    category: str,
    message: str,
    teams: Sequence[Team],
    *related: str,
) -> None:
    events.record(
        actor=actor,
        space=None,
        category=category,
        message=message,
        subject=row.public_id,
        related=[*related, *(team.public_id for team in teams)],
        after={"Teams": sorted(team.name for team in teams)} if teams else None,
    )
