"""Who else says who somebody is: providers of identity, and what they said."""

from typing import ClassVar

from django.db import models

from deployments.access.models.team import Team
from deployments.access.models.user import User
from deployments.base.public_ids import PublicId


class IdentityProvider(PublicId, models.Model):
    """Where people sign in: an OpenID Connect provider, or a directory with its settings beside.

    `slug` is part of the redirect URI, `position` the order on the sign-in page. The secret is
    that of the client, or of the account that asks the directory.
    """

    id_prefix = "IdentityProviders"

    class Kind(models.TextChoices):
        """How people prove there who they are."""

        OIDC = "oidc", "OpenID Connect"
        LDAP = "ldap", "LDAP directory"

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.OIDC)
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=110, unique=True)
    position = models.PositiveSmallIntegerField(default=0)
    issuer = models.CharField(max_length=500, blank=True)
    client_id = models.CharField(max_length=500, blank=True)
    sealed_secret = models.BinaryField(null=True, blank=True)
    scopes = models.CharField(max_length=500, blank=True)
    group_claim = models.CharField(max_length=200, blank=True)
    username_claim = models.CharField(max_length=200, blank=True)
    is_enabled = models.BooleanField(default=True)
    creates_users = models.BooleanField(default=False)
    links_by_email = models.BooleanField(default=False)
    group_days = models.PositiveSmallIntegerField(default=30)

    class Meta:
        ordering: ClassVar = ["position", "name"]

    def __str__(self) -> str:
        return self.name

    @property
    def secret_place(self) -> str:
        """The associated data of `sealed_secret`."""
        return f"identity-provider:{self.pk}:secret"

    @property
    def is_directory(self) -> bool:
        """Whether names and passwords are asked for here, and checked there."""
        return self.kind == self.Kind.LDAP


class LdapDirectory(models.Model):
    """Where the directory of a provider is, and how people and groups are found in it.

    `checked` is when its people were last looked up by the server itself; `problem` is why that
    could not be done since.
    """

    class Security(models.TextChoices):
        """What protects passwords on their way to the directory."""

        TLS = "tls", "TLS (LDAPS)"
        STARTTLS = "starttls", "StartTLS"
        NONE = "none", "Nothing: passwords can be read on the way"

    provider = models.OneToOneField(
        IdentityProvider, on_delete=models.CASCADE, related_name="directory"
    )
    server = models.CharField(max_length=253)
    port = models.PositiveIntegerField(default=636)
    security = models.CharField(max_length=10, choices=Security.choices, default=Security.TLS)
    ca_certificate = models.TextField(blank=True)
    bind_dn = models.CharField(max_length=500, blank=True)
    user_base = models.CharField(max_length=500)
    user_filter = models.CharField(max_length=1000)
    id_attribute = models.CharField(max_length=100)
    username_attribute = models.CharField(max_length=100)
    name_attribute = models.CharField(max_length=100)
    email_attribute = models.CharField(max_length=100)
    group_base = models.CharField(max_length=500, blank=True)
    group_filter = models.CharField(max_length=1000, blank=True)
    nested_depth = models.PositiveSmallIntegerField(default=5)
    deactivates = models.BooleanField(default=True)
    checked = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"{self.server}:{self.port}"


class ExternalLogin(models.Model):
    """The account of a user at a provider; `subject` is the provider's own name of it.

    `groups` are those that it told last: at a sign-in or, of a directory, when it was `checked`.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="external_logins")
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="logins")
    subject = models.CharField(max_length=255)
    shown_as = models.CharField(max_length=255, blank=True)
    groups = models.JSONField(default=list)
    created = models.DateTimeField()
    last_used = models.DateTimeField()
    checked = models.DateTimeField(null=True, blank=True)

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
