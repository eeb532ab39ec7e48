"""API keys: shown once, stored hashed."""

from typing import ClassVar

from django.db import models

from deployments.access.models.user import User


class ApiKey(models.Model):
    """A key `API-…` of a user; the SHA-256 is kept, and the first characters to know it by."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    purpose = models.CharField(max_length=200)
    hint = models.CharField(max_length=20)
    sha256 = models.CharField(max_length=64, unique=True)
    created = models.DateTimeField()
    expires = models.DateTimeField(null=True, blank=True)
    last_used = models.DateTimeField(null=True, blank=True)
    # How near its end was when somebody was told (services.tidying).
    notice = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["-created"]

    def __str__(self) -> str:
        return f"{self.hint}… {self.purpose}"

    @property
    def public_id(self) -> str:
        return f"apikeys-{self.pk}"
