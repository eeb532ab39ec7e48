"""Server-wide settings kept in the database."""

from django.db import models


class ServerSetting(models.Model):
    """One setting; the value is JSON."""

    key = models.CharField(max_length=100, primary_key=True)
    value = models.JSONField()

    def __str__(self) -> str:
        return self.key
