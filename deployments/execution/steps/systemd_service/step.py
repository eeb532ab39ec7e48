"""Deploy a systemd Service: install a package and run a program of it as a service."""

from deployments.execution.steps.features import (
    custom_scripts,
    lacks,
    package,
    structured_configuration,
    substitution,
    switch_on_scripts,
)
from deployments.execution.steps.step_type import Property, PropertyKind, StepType
from deployments.execution.variables import Variables

_PACKAGE = "Octopus.Action.Package"
_SERVICE = "Octopus.Action.SystemdService"


def check(variables: Variables) -> str:
    """Return why the service cannot be deployed."""
    named = {f"{_SERVICE}.ServiceName": "service", f"{_SERVICE}.ExecutablePath": "program"}
    return lacks(variables, named)


STEP = StepType(
    action_type="Octopus.SystemdService",
    name="Deploy a systemd Service",
    summary="Install a package and run a program of it as a service of systemd.",
    category="Package",
    command="deploy_systemd_service",
    prepare=switch_on_scripts,
    check=check,
    properties=(
        package(),
        Property(
            f"{_SERVICE}.ServiceName",
            "Name of the service",
            help="Such as shop-api; the unit is shop-api.service.",
            required=True,
        ),
        Property(f"{_SERVICE}.Description", "Description", help="What systemctl shows."),
        Property(
            f"{_SERVICE}.ExecutablePath",
            "Program",
            help="A file of the package, such as bin/api, or an absolute path.",
            required=True,
        ),
        Property(f"{_SERVICE}.Arguments", "Arguments", help="As systemd reads them."),
        Property(
            f"{_SERVICE}.Environment",
            "Environment variables",
            PropertyKind.LINES,
            help="NAME=value on each line; kept in a file that only root reads.",
        ),
        Property(
            f"{_SERVICE}.User",
            "Runs as",
            help="A user of the machine; empty means root.",
            shown_when=(f"{_SERVICE}.Scope", "system"),
        ),
        Property(
            f"{_SERVICE}.Restart",
            "Restarts",
            PropertyKind.SELECT,
            default="on-failure",
            options=(("on-failure", "When it fails"), ("always", "Always"), ("no", "Never")),
        ),
        Property(
            f"{_SERVICE}.StartMode",
            "When the machine starts",
            PropertyKind.SELECT,
            default="enabled",
            options=(("enabled", "Start it"), ("disabled", "Leave it")),
        ),
        Property(
            f"{_SERVICE}.State",
            "Now",
            PropertyKind.SELECT,
            default="restarted",
            options=(
                ("restarted", "Restart it"),
                ("started", "Start it if it does not run"),
                ("stopped", "Stop it"),
                ("unchanged", "Leave it"),
            ),
        ),
        Property(
            f"{_SERVICE}.Scope",
            "Belongs to",
            PropertyKind.SELECT,
            default="system",
            options=(("system", "The machine"), ("user", "The user of the agent")),
        ),
        Property(
            f"{_SERVICE}.UnitSettings",
            "Further settings",
            PropertyKind.LINES,
            help="Lines of the section Service, such as MemoryMax=1G.",
        ),
        *custom_scripts(),
        *substitution(),
        *structured_configuration(),
        Property(
            f"{_PACKAGE}.CustomInstallationDirectory",
            "Custom installation directory",
            help="Copy the package's files here as well and run them from here.",
            section="Custom installation directory",
        ),
    ),
)
