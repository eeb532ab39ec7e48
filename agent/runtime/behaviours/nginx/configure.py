"""Write the virtual host of a package and let nginx take it over."""

import pkgutil
import shlex
from pathlib import Path

from agent.runtime.behaviours.context import Context
from agent.runtime.behaviours.nginx.virtual_host import (
    BadHost,
    certificate_files,
    certificate_variables,
    render_host,
)
from agent.runtime.behaviours.paths import safe_name
from agent.runtime.runner.errors import StepFailed
from agent.runtime.runner.script import BASH
from agent.runtime.variables import Variables

_PREFIX = "Octopus.Action.Nginx"
_DIRECTORY = "/etc/nginx/conf.d"
_CERTIFICATES = "/etc/ssl"


class ConfigureNginx:
    """Serve the installed package; a configuration that nginx refuses is taken back."""

    name = "Configure nginx"

    def enabled(self, context: Context) -> bool:
        return True

    def run(self, context: Context) -> None:
        variables = context.variables
        package = context.command.primary
        name = variables.text(f"{_PREFIX}.Server.ConfigName").strip()
        name = safe_name(name or (package.package_id if package else "octopus"))
        directory = variables.text(f"{_PREFIX}.ConfigurationsDirectory").strip() or _DIRECTORY
        certificates = variables.text(f"{_PREFIX}.CertificatesDirectory").strip() or _CERTIFICATES
        main = variables.text(f"{_PREFIX}.MainConfiguration").strip()
        for path in filter(None, (directory, certificates, main)):
            if not Path(path).is_absolute():
                raise StepFailed(f"{path} is no absolute path.")
        # Each host has its own files, so that taking one back touches no other.
        own = f"{certificates.rstrip('/')}/{name}"
        bindings = variables.text(f"{_PREFIX}.Server.Bindings")
        try:
            sealed = certificate_variables(bindings)
            text = render_host(
                host_names=variables.text(f"{_PREFIX}.Server.HostName"),
                bindings=bindings,
                locations=variables.text(f"{_PREFIX}.Server.Locations"),
                root=str(context.directory),
                certificates=own,
            )
        except BadHost as error:
            raise StepFailed(f"The virtual host {name} cannot be made: {error}.") from error
        for variable in sealed:
            _require_certificate(variables, variable)
        new = context.command.work / f"{name}.conf"
        new.write_text(text, encoding="utf-8")
        words = [str(new), f"{directory}/{name}.conf", str(len(sealed))]
        for variable in sealed:
            words += [variable, *certificate_files(own, variable)]
        words += ["-c", main] if main else []
        body = (pkgutil.get_data("agent.runtime.scripts", "nginx.sh") or b"").decode()
        context.scripts.run_body(
            BASH, body, context.command.work, name="nginx", parameters=shlex.join(words)
        )


def _require_certificate(variables: Variables, name: str) -> None:
    """Raise StepFailed unless the variable names a certificate with its private key."""
    if not variables.text(f"{name}.CertificatePem"):
        raise StepFailed(
            f"A binding names the variable {name}, which names no certificate of the library."
        )
    if not variables.text(f"{name}.PrivateKeyPem"):
        raise StepFailed(
            f"The certificate that the variable {name} names has no private key; nginx needs one."
        )
