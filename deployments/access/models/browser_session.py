"""Sessions of browsers, known by whose they are."""

from typing import ClassVar

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from deployments.access.models.user import User


class BrowserSession(AbstractBaseSession):
    """A session; `session_key` is the SHA-256 of what the cookie holds.

    `expire_date` moves on while the session is used, `idle_seconds` ahead and never past `ends`.
    One without a user is on the way to signing in.
    """

    session_key = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, blank=True, related_name="browser_sessions"
    )
    method = models.CharField(max_length=20, blank=True)
    ip_address = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    created = models.DateTimeField()
    last_seen = models.DateTimeField()
    ends = models.DateTimeField()
    idle_seconds = models.PositiveIntegerField()

    class Meta(AbstractBaseSession.Meta):
        abstract = False
        ordering: ClassVar = ["-last_seen"]
