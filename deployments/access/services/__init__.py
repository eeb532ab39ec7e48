"""Writes to users, keys, teams, roles and spaces."""

from deployments.access.services.api_keys import CreatedKey, create_api_key, revoke_api_key
from deployments.access.services.mail_settings import save_mail_settings, send_test_mail
from deployments.access.services.roles import create_role, delete_role, update_role
from deployments.access.services.scoped_roles import (
    create_scoped_role,
    delete_scoped_role,
    update_scoped_role,
)
from deployments.access.services.spaces import create_space, delete_space, update_space
from deployments.access.services.teams import create_team, delete_team, update_team
from deployments.access.services.users import create_user, delete_user, update_user

__all__ = [
    "CreatedKey",
    "create_api_key",
    "create_role",
    "create_scoped_role",
    "create_space",
    "create_team",
    "create_user",
    "delete_role",
    "delete_scoped_role",
    "delete_space",
    "delete_team",
    "delete_user",
    "revoke_api_key",
    "save_mail_settings",
    "send_test_mail",
    "update_role",
    "update_scoped_role",
    "update_space",
    "update_team",
    "update_user",
]
