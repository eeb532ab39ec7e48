"""What people prove who they are with beside a password."""

from typing import ClassVar

from django.db import models

from deployments.access.models.user import User


class Authenticator(models.Model):
    """An app that shows codes of six digits; `confirmed` once it has shown a right one.

    `last_step` is the newest time step whose code was taken: no code counts twice.
    """

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="authenticator"
    )
    sealed_secret = models.BinaryField()
    created = models.DateTimeField()
    confirmed = models.DateTimeField(null=True, blank=True)
    last_step = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"authenticator of {self.user_id}"

    @property
    def secret_place(self) -> str:
        """The associated data of `sealed_secret`."""
        return f"access_authenticator.sealed_secret.{self.user_id}"


class RecoveryCode(models.Model):
    """A code that stands in for the second factor once; only its SHA-256 is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "sha256"], name="recovery_code_unique")
        ]

    def __str__(self) -> str:
        return f"recovery code of {self.user_id}"


class Passkey(models.Model):
    """A WebAuthn credential: the public key, and how often it has signed."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=100)
    credential_id = models.CharField(max_length=1400, unique=True)
    credential = models.BinaryField()
    sign_count = models.BigIntegerField(default=0)
    created = models.DateTimeField()
    last_used = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["created", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        return f"passkeys-{self.pk}"
