"""Users, keys, spaces, teams and roles on the wire."""

from typing import Any

from rest_framework import serializers

from deployments.access import queries
from deployments.access.models import (
    ApiKey,
    RoleScope,
    ScopedUserRole,
    Team,
    TeamExternalGroup,
    User,
    UserRole,
)
from deployments.access.permissions import Permission, dimensions
from deployments.base.api import fields
from deployments.base.api.links import space_path, system_path, with_query
from deployments.base.api.serializers import IdentifiedSerializer, ResourceSerializer
from deployments.base.models import Space

RESTRICTIONS = {
    "project": "Projects",
    "project_group": "ProjectGroups",
    "environment": "Environments",
    "tenant": "Tenants",
}


class UserSerializer(IdentifiedSerializer):
    username = fields.text()
    display_name = fields.text()
    email_address = fields.text(source="email")
    is_active = fields.flag(default=True)
    is_service = fields.flag()
    password = serializers.CharField(
        write_only=True, required=False, default="", allow_blank=True, trim_whitespace=False
    )
    is_requestor = serializers.SerializerMethodField()
    can_password_be_edited = serializers.SerializerMethodField()
    identities = serializers.SerializerMethodField()

    def get_is_requestor(self, user: User) -> bool:
        actor = self.context.get("actor")
        return actor is not None and actor.user_id == user.pk

    def get_can_password_be_edited(self, user: User) -> bool:
        return not user.is_service

    def get_identities(self, user: User) -> list[Any]:
        return [
            {
                "IdentityProviderName": login.provider.name,
                "Claims": {
                    "sub": {"Value": login.subject, "IsIdentifyingClaim": True},
                    "dn": {"Value": login.shown_as, "IsIdentifyingClaim": False},
                },
            }
            for login in user.external_logins.all()
        ]

    def get_links(self, user: User) -> dict[str, str]:
        own = system_path("users", user.public_id)
        return {
            "Self": own,
            "ApiKeys": f"{own}/apikeys{{/id}}{{?skip,take}}",
            "Permissions": f"{own}/permissions",
            "Teams": with_query(f"{own}/teams", "spaces", "includeSystem"),
            "Spaces": f"{own}/spaces",
            "RevokeSessions": f"{own}/revoke-sessions",
        }


class ApiKeySerializer(IdentifiedSerializer):
    purpose = fields.text()
    user_id = serializers.SerializerMethodField()
    api_key = serializers.SerializerMethodField()
    created = fields.MomentField(read_only=True)
    expires = fields.MomentField(required=False, allow_null=True, default=None)
    last_used = fields.MomentField(read_only=True)

    def get_user_id(self, key: ApiKey) -> str:
        return f"Users-{key.user_id}"

    def get_api_key(self, key: ApiKey) -> dict[str, Any]:
        return {"HasValue": True, "NewValue": None, "Hint": key.hint}

    def get_links(self, key: ApiKey) -> dict[str, str]:
        return {"Self": system_path("users", f"Users-{key.user_id}", "apikeys", key.public_id)}


class SpaceSerializer(IdentifiedSerializer):
    name = serializers.CharField()
    slug = fields.text()
    description = fields.text(allow_null=True)
    is_default = fields.flag()
    task_queue_stopped = fields.flag()
    space_managers_teams = fields.texts(source="manager_team_ids")
    space_managers_team_members = fields.texts(source="manager_user_ids")

    def to_representation(self, space: Space) -> dict[str, Any]:
        known = self.context.get("managers") or queries.managers_of([space])
        managers = known[space.pk]
        space.manager_team_ids = managers.teams  # type: ignore[attr-defined]  # read by fields
        space.manager_user_ids = managers.users  # type: ignore[attr-defined]  # read by fields
        return dict(super().to_representation(space))

    def get_links(self, space: Space) -> dict[str, str]:
        own = system_path("spaces", space.public_id)
        return {
            "Self": own,
            "SpaceHome": space_path(space),
            "Web": f"/app#/{space.public_id}",
        }


class ExternalGroupSerializer(ResourceSerializer):
    """A group of a provider; without `ProviderId` of the only one there is."""

    id = serializers.CharField(source="group")
    display_name = fields.text(allow_null=True)
    provider_id = fields.PublicIdField(source="provider")

    def to_representation(self, row: TeamExternalGroup) -> dict[str, Any]:
        shown = dict(super().to_representation(row))
        name = shown["DisplayName"] or row.group
        return {**shown, "DisplayName": name, "DisplayIdAndName": f"{name} ({row.group})"}


class TeamSerializer(IdentifiedSerializer):
    name = serializers.CharField()
    description = fields.text(allow_null=True)
    member_user_ids = fields.texts()
    external_security_groups = ExternalGroupSerializer(many=True, default=None, allow_null=True)
    space_id = fields.PublicIdField()
    can_be_deleted = serializers.BooleanField(read_only=True)
    can_be_renamed = serializers.SerializerMethodField()
    can_change_roles = serializers.SerializerMethodField()
    can_change_members = serializers.SerializerMethodField()

    def to_representation(self, team: Team) -> dict[str, Any]:
        members = [user.public_id for user in team.users.all()]
        team.member_user_ids = members  # type: ignore[attr-defined]  # read by the field above
        groups = list(team.external_groups.all())
        team.external_security_groups = groups  # type: ignore[attr-defined]  # the same
        return {
            **super().to_representation(team),
            "SpaceId": f"Spaces-{team.space_id}" if team.space_id else None,
        }

    def get_can_be_renamed(self, team: Team) -> bool:
        return not team.built_in_id

    def get_can_change_roles(self, team: Team) -> bool:
        return not team.built_in_id or team.everyone

    def get_can_change_members(self, team: Team) -> bool:
        return not team.everyone

    def get_links(self, team: Team) -> dict[str, str]:
        own = system_path("teams", team.public_id)
        return {
            "Self": own,
            "ScopedUserRoles": with_query(f"{own}/scopeduserroles", "skip", "take"),
        }


class UserRoleSerializer(IdentifiedSerializer):
    wire_names = {
        "space_permissions": "GrantedSpacePermissions",
        "system_permissions": "GrantedSystemPermissions",
    }

    name = serializers.CharField()
    description = fields.text(allow_null=True)
    space_permissions = fields.texts()
    system_permissions = fields.texts()
    supported_restrictions = serializers.SerializerMethodField()
    can_be_deleted = serializers.SerializerMethodField()

    def get_supported_restrictions(self, role: UserRole) -> list[str]:
        names = {
            dimension
            for permission in role.space_permissions
            if permission in Permission.__members__
            for dimension in dimensions(permission)
        }
        return sorted(RESTRICTIONS[name] for name in names)

    def get_can_be_deleted(self, role: UserRole) -> bool:
        return not role.built_in_id

    def get_links(self, role: UserRole) -> dict[str, str]:
        return {"Self": system_path("userroles", role.public_id)}


class ScopedUserRoleSerializer(IdentifiedSerializer):
    team_id = fields.PublicIdField(source="team", required=True)
    user_role_id = fields.PublicIdField(source="role", required=True)
    space_id = fields.PublicIdField(source="space")
    project_ids = fields.texts()
    project_group_ids = fields.texts()
    environment_ids = fields.texts()
    tenant_ids = fields.texts()
    # Clients that do not know it must not widen a role by leaving it out.
    tenant_tags = serializers.ListField(
        child=serializers.CharField(), default=None, allow_null=True
    )

    def to_representation(self, row: ScopedUserRole) -> dict[str, Any]:
        values: dict[str, list[str]] = {kind: [] for kind in RoleScope.Kind.values}
        for scope in row.scopes.all():
            values[scope.kind].append(scope.object_id)
        for kind, ids in values.items():
            setattr(row, f"{kind}_ids", sorted(ids))
        row.tenant_tags = sorted(values["tenant_tag"])  # type: ignore[attr-defined]  # for the field
        return dict(super().to_representation(row))

    def get_links(self, row: ScopedUserRole) -> dict[str, str]:
        return {"Self": system_path("scopeduserroles", row.public_id)}


class LoginSerializer(ResourceSerializer):
    username = serializers.CharField()
    password = serializers.CharField(trim_whitespace=False)
    remember_me = fields.flag()
    code = fields.text()
