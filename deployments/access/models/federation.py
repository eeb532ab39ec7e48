"""Who else says who somebody is: providers of identity, and what they said."""

from typing import ClassVar

from django.db import models

from deployments.access.models.team import Team
from deployments.access.models.user import User
from deployments.base.public_ids import PublicId


class IdentityProvider(PublicId, models.Model):
    """An OpenID Connect provider at which people sign in; `slug` is part of its redirect URI."""

    id_prefix = "IdentityProviders"

    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=110, unique=True)
    issuer = models.CharField(max_length=500)
    client_id = models.CharField(max_length=500)
    sealed_secret = models.BinaryField(null=True, blank=True)
    scopes = models.CharField(max_length=500)
    group_claim = models.CharField(max_length=200)
    username_claim = models.CharField(max_length=200)
    is_enabled = models.BooleanField(default=True)
    creates_users = models.BooleanField(default=False)
    links_by_email = models.BooleanField(default=False)
    group_days = models.PositiveSmallIntegerField(default=30)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def secret_place(self) -> str:
        """The associated data of `sealed_secret`."""
        return f"identity-provider:{self.pk}:secret"


class ExternalLogin(models.Model):
    """The account of a user at a provider; `subject` is the provider's own name of it.

    `groups` are those that it told at the last sign-in.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="external_logins")
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="logins")
    subject = models.CharField(max_length=255)
    shown_as = models.CharField(max_length=255, blank=True)
    groups = models.JSONField(default=list)
    created = models.DateTimeField()
    last_used = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["provider__name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "subject"], name="external_login_unique")
        ]

    def __str__(self) -> str:
        return f"{self.shown_as or self.subject} at {self.provider}"


class TeamExternalGroup(models.Model):
    """A group of a provider whose people are members of a team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="external_groups")
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="+")
    group = models.CharField(max_length=400)
    display_name = models.CharField(max_length=400, blank=True)

    class Meta:
        ordering: ClassVar = ["provider__name", "display_name", "group"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["team", "provider", "group"], name="team_external_group_unique"
            )
        ]

    def __str__(self) -> str:
        return self.display_name or self.group


class ProvidedMembership(models.Model):
    """Says that a member of a team is there because of a provider, until it says otherwise.

    The member stands in `Team.users` as well, which is what everything else reads.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="provided")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="provided_memberships")
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["team", "user", "provider"], name="provided_membership_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team} by {self.provider}"


class OidcIdentity(PublicId, models.Model):
    """Whose tokens may be exchanged for access as a service account.

    `subject` may have `*` and `?`; an empty `audience` is the account's external id.
    """

    id_prefix = "ServiceAccountOidcIdentities"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="oidc_identities")
    name = models.CharField(max_length=200)
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=500)
    audience = models.CharField(max_length=500, blank=True)
    created = models.DateTimeField()
    last_used = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name", "pk"]

    def __str__(self) -> str:
        return self.name
