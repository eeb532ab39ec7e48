from django.apps import AppConfig


class ReleasesConfig(AppConfig):
    name = "deployments.releases"
    label = "releases"

    def ready(self) -> None:
        from deployments.base.following.consumers import register_consumer  # noqa: PLC0415 models come first
        from deployments.library.uses import register_uses  # noqa: PLC0415 as above
        from deployments.releases.sealed import register_sealed_columns  # noqa: PLC0415 as above
        from deployments.releases.services.automation import (  # noqa: PLC0415 as above
            lifecycles,
            others,
            overrides,
            packages,
            targets,
        )
        from deployments.releases.tenancy.uses import (  # noqa: PLC0415 models come first
            deployments_of_tenant,
            snapshots_with_tag,
        )
        from deployments.releases.version_users import (  # noqa: PLC0415 models come first
            releases_naming,
            releases_using,
            snapshots_using,
        )
        from deployments.server_tasks.kinds import register_kind  # noqa: PLC0415 as above
        from packages_feed.usage import register_version_users  # noqa: PLC0415 as above
        from tenants.usage import register_tag_uses, register_tenant_uses  # noqa: PLC0415 as above

        register_sealed_columns()
        register_tenant_uses(deployments_of_tenant)
        register_tag_uses(snapshots_with_tag)
        register_uses(releases_naming)
        register_version_users(releases_using)
        register_version_users(snapshots_using)
        register_kind("Deploy", advance="execution.advance", label="Deploy a release")
        register_kind("RunbookRun", advance="execution.advance", label="Run a runbook")
        for each, handle, is_awaited in (
            (lifecycles, lifecycles.follow_lifecycle, None),
            (targets, targets.mark_targets, None),
            (packages, packages.create_releases, packages.has_followers),
            (others, others.follow_projects, None),
            (overrides, overrides.end_override, None),
        ):
            register_consumer(
                each.NAME,
                label=each.LABEL,
                categories=each.CATEGORIES,
                handle=handle,
                rests_in_maintenance=True,
                is_awaited=is_awaited,
            )
