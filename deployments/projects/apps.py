from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "deployments.projects"
    label = "projects"

    def ready(self) -> None:
        from deployments.access.grants import register_expander  # noqa: PLC0415 models come first
        from deployments.access.permissions import Permission  # noqa: PLC0415 as above
        from deployments.access.scope_values import register_scope_model  # noqa: PLC0415 as above
        from deployments.base.resealing import register_sealed_column  # noqa: PLC0415 as above
        from deployments.base.services.spaces import register_space_seeder  # noqa: PLC0415 as above
        from deployments.library.usage import (  # noqa: PLC0415 models first
            register_library_uses,
            register_owner_name,
        )
        from deployments.library.uses import register_uses  # noqa: PLC0415 as above
        from deployments.projects.models import (  # noqa: PLC0415 as above
            DeploymentProcess,
            Project,
            ProjectGroup,
        )
        from deployments.projects.package_usage import (  # noqa: PLC0415 as above
            projects_naming_feed,
            projects_using_package,
            visible_project_names,
        )
        from deployments.projects.queries import (  # noqa: PLC0415 models first
            name_of_variable_owner,
            projects_including,
            projects_of_groups,
        )
        from deployments.projects.sealed import turn_own_process  # noqa: PLC0415 as above
        from deployments.projects.services.groups import seed_project_group  # noqa: PLC0415 as above
        from deployments.projects.services.lifecycles import seed_lifecycle  # noqa: PLC0415 as above
        from deployments.projects.step_uses import steps_naming  # noqa: PLC0415 as above
        from packages_feed.usage import register_feed_usage, register_package_usage  # noqa: PLC0415 as above

        register_sealed_column(DeploymentProcess, "steps", turn_own_process)
        register_expander("project_group", projects_of_groups)
        register_scope_model("project", Project, Permission.ProjectView)
        register_scope_model("project_group", ProjectGroup, Permission.ProjectGroupView)
        register_library_uses(lambda row: [each.name for each in projects_including(row)])
        register_owner_name(name_of_variable_owner)
        register_uses(steps_naming)
        register_feed_usage(projects_naming_feed)
        register_package_usage(projects_using_package, visible_project_names)
        register_space_seeder(seed_lifecycle)
        register_space_seeder(seed_project_group)
