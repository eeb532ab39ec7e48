"""Deploy to nginx: install a package and serve it as a virtual host."""

import json

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
_NGINX = "Octopus.Action.Nginx"
_BINDINGS = '[{"protocol": "http", "port": "80"}]'
_LOCATIONS = '[{"path": "/", "directives": {"try_files": "$uri $uri/ /index.html"}}]'


def check(variables: Variables) -> str:
    """Return why the package cannot be served."""
    if missing := lacks(variables):
        return missing
    for name in ("Bindings", "Locations"):
        try:
            found = json.loads(variables.text(f"{_NGINX}.Server.{name}") or "[]")
        except (ValueError, RecursionError) as error:
            return f"The {name.lower()} are no JSON: {error}."
        if not isinstance(found, list) or not found:
            return f"The {name.lower()} must be a list in JSON with at least one entry."
    return ""


STEP = StepType(
    action_type="Octopus.Nginx",
    name="Deploy to nginx",
    summary="Install a package and serve it, or what it runs, as a virtual host of nginx.",
    category="Package",
    command="deploy_nginx",
    prepare=switch_on_scripts,
    check=check,
    properties=(
        package(),
        Property(
            f"{_NGINX}.Server.HostName",
            "Names of the host",
            help="Such as shop.example.com www.example.com; empty answers every name.",
        ),
        Property(
            f"{_NGINX}.Server.Bindings",
            "Bindings",
            PropertyKind.CODE,
            help="A list in JSON: protocol, port, ipAddress; for https certificateVariable, the "
            "name of a variable that names a certificate, or certificateLocation and "
            "certificateKeyLocation, files of the machine.",
            default=_BINDINGS,
            required=True,
            syntax="JSON",
        ),
        Property(
            f"{_NGINX}.Server.Locations",
            "Locations",
            PropertyKind.CODE,
            help="A list in JSON, / among it: path, directives, headers; or reverseProxy true and "
            "reverseProxyUrl. Without root or alias it serves the files of the package.",
            default=_LOCATIONS,
            required=True,
            syntax="JSON",
        ),
        Property(
            f"{_NGINX}.Server.ConfigName",
            "Name of the configuration",
            help="Empty means the package's name; it must differ for each host of a machine.",
        ),
        *custom_scripts(),
        *substitution(),
        *structured_configuration(),
        Property(
            f"{_PACKAGE}.CustomInstallationDirectory",
            "Custom installation directory",
            help="Copy the package's files here as well and serve them from here.",
            section="Directories",
        ),
        Property(
            f"{_NGINX}.ConfigurationsDirectory",
            "Directory of the virtual hosts",
            help="Empty means /etc/nginx/conf.d.",
            section="Directories",
        ),
        Property(
            f"{_NGINX}.CertificatesDirectory",
            "Directory of the certificates",
            help="Empty means /etc/ssl; each host has a directory of its own below it.",
            section="Directories",
        ),
        Property(
            f"{_NGINX}.MainConfiguration",
            "Main configuration of nginx",
            help="Empty means its own default.",
            section="Directories",
        ),
    ),
)
