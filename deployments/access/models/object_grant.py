"""Permissions on single objects, as django-guardian keeps them; `Grants` merges them."""

from django.db import models
from guardian.models.models import GroupObjectPermissionAbstract, UserObjectPermissionAbstract

from deployments.base.models import Space


class UserObjectGrant(UserObjectPermissionAbstract):
    """A permission of one user on one project, project group, environment or tenant."""

    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="+")

    class Meta(UserObjectPermissionAbstract.Meta):
        abstract = False


class TeamObjectGrant(GroupObjectPermissionAbstract):
    """A permission of one team, by its group, on one such object."""

    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="+")

    class Meta(GroupObjectPermissionAbstract.Meta):
        abstract = False
