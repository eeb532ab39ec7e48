from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
    label = "tenants"

    def ready(self) -> None:
        from deployments.access.grants import register_expander  # noqa: PLC0415 models come first
        from deployments.access.permissions import Permission  # noqa: PLC0415 as above
        from deployments.access.scope_values import (  # noqa: PLC0415 as above
            register_scope_model,
            register_scope_values,
        )
        from deployments.library.tenancy import register_tenant_lookup  # noqa: PLC0415 as above
        from deployments.library.uses import register_uses  # noqa: PLC0415 as above
        from deployments.projects.runbook_tags import register_runbook_tag_sets  # noqa: PLC0415 as above
        from deployments.projects.tenant_choices import register_tenant_choices  # noqa: PLC0415 as above
        from deployments.projects.tenant_tags import register_tenant_tags  # noqa: PLC0415 as above
        from tenants.choices import project_tenants  # noqa: PLC0415 as above
        from tenants.lookup import tenants_and_tags  # noqa: PLC0415 as above
        from tenants.models import Tenant  # noqa: PLC0415 as above
        from tenants.queries import (  # noqa: PLC0415 as above
            canonical_names,
            runbook_tag_sets,
            tenant_names,
            tenant_numbers_with_tags,
            visible_tags,
        )
        from tenants.reference_uses import values_naming  # noqa: PLC0415 as above

        register_uses(values_naming)
        register_tenant_tags(canonical_names)
        register_tenant_choices(project_tenants)
        register_runbook_tag_sets(runbook_tag_sets)
        register_tenant_lookup(tenants_and_tags, tenant_names)
        register_expander("tenant_tag", tenant_numbers_with_tags)
        register_scope_model("tenant", Tenant, Permission.TenantView)
        register_scope_values("tenant_tag", visible_tags)
