"""Write the virtual host of a package and let nginx take it over."""

import pkgutil
import shlex
from pathlib import Path

from agent.runtime.behaviours.context import Context
from agent.runtime.behaviours.nginx.virtual_host import BadHost, render_host
from agent.runtime.behaviours.paths import safe_name
from agent.runtime.runner.errors import StepFailed
from agent.runtime.runner.script import BASH

_PREFIX = "Octopus.Action.Nginx"
_DIRECTORY = "/etc/nginx/conf.d"


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
        main = variables.text(f"{_PREFIX}.MainConfiguration").strip()
        for path in filter(None, (directory, main)):
            if not Path(path).is_absolute():
                raise StepFailed(f"{path} is no absolute path.")
        try:
            text = render_host(
                host_names=variables.text(f"{_PREFIX}.Server.HostName"),
                bindings=variables.text(f"{_PREFIX}.Server.Bindings"),
                locations=variables.text(f"{_PREFIX}.Server.Locations"),
                root=str(context.directory),
            )
        except BadHost as error:
            raise StepFailed(f"The virtual host {name} cannot be made: {error}.") from error
        new = context.command.work / f"{name}.conf"
        new.write_text(text, encoding="utf-8")
        words = [str(new), f"{directory}/{name}.conf", *(("-c", main) if main else ())]
        body = (pkgutil.get_data("agent.runtime.scripts", "nginx.sh") or b"").decode()
        context.scripts.run_body(
            BASH, body, context.command.work, name="nginx", parameters=shlex.join(words)
        )
