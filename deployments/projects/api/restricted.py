"""What accounts and certificates have in common on the wire: where they may be used, and uses."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.permissions import Permission
from deployments.base.api.fields import text, texts
from deployments.base.api.serializers import SpaceResourceSerializer
from deployments.base.finding import find_all
from deployments.infrastructure.models import Environment
from deployments.library.models import Restricted
from deployments.library.queries import environment_numbers_of, tenant_numbers_of
from deployments.library.services import Restrictions
from deployments.library.tenancy import Tenancy
from deployments.library.uses import Use, uses_of

_WRITTEN: Final = (
    "EnvironmentIds",
    "TenantedDeploymentParticipation",
    "TenantIds",
    "TenantTags",
)


class RestrictedSerializer(SpaceResourceSerializer):
    """The fields that say where something may be used."""

    environment_ids = texts()
    tenanted_deployment_participation = text()
    tenant_ids = texts()
    tenant_tags = texts()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._environments: dict[int, list[int]] = {}
        self._tenants: dict[int, list[int]] = {}

    def to_representation(self, instance: Restricted) -> dict[str, Any]:
        if instance.pk not in self._environments:
            many = getattr(self.parent, "instance", None)
            rows = many if isinstance(many, list) else [instance]
            self._environments.update(environment_numbers_of(rows))
            self._tenants.update(tenant_numbers_of(rows))
        return {
            **super().to_representation(instance),
            "EnvironmentIds": [f"Environments-{n}" for n in self._environments[instance.pk]],
            "TenantedDeploymentParticipation": instance.tenanted_participation,
            "TenantIds": [f"Tenants-{number}" for number in self._tenants[instance.pk]],
            "TenantTags": list(instance.tenant_tags),
        }

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for name in _WRITTEN:
            fields[name].write_only = True
        return fields


def restrictions_of(view: SpaceViewSet[Any], data: Mapping[str, Any]) -> Restrictions:
    """Return where the body says that something may be used. Raises Invalid."""
    environments = Environment.objects.visible_to(
        view.actor, view.space, Permission.EnvironmentView
    )
    named = find_all(environments, data["environment_ids"], field="EnvironmentIds")
    return Restrictions(
        [row.pk for row in named],
        Tenancy(data["tenanted_deployment_participation"], data["tenant_ids"], data["tenant_tags"]),
    )


def usage_resource(
    view: SpaceViewSet[Any], row: Restricted, lists: Iterable[str]
) -> dict[str, Any]:
    """Return what uses the row, as far as the actor may see it, in the lists of the wire."""
    found: dict[str, dict[str, Use]] = {name: {} for name in lists}
    for use in uses_of(view.actor, view.space, row.public_id):
        if use.is_visible:
            found.setdefault(use.kind, {}).setdefault(use.id, use)
    listed = {
        name: [{"Id": use.id, "Name": use.name, **use.wire} for use in uses.values()]
        for name, uses in found.items()
    }
    return {**listed, "Links": {}}
