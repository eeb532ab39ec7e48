"""Failed attempts to sign in."""

from django.db import models


class SignInFailures(models.Model):
    """How often signing in with a name failed since `since`; the name need not exist."""

    name = models.CharField(max_length=200, primary_key=True)
    count = models.PositiveIntegerField(default=0)
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.count}"
