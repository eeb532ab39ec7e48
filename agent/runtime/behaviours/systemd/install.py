"""Install the unit of a package and bring its service into the wanted state."""

import pkgutil
import shlex
from pathlib import Path

from agent.runtime.behaviours.context import Context
from agent.runtime.behaviours.paths import inside
from agent.runtime.behaviours.systemd.unit import (
    BadService,
    Service,
    render_environment,
    render_unit,
    service_name,
)
from agent.runtime.runner.errors import StepFailed
from agent.runtime.runner.script import BASH

_PREFIX = "Octopus.Action.SystemdService"
_STATES = ("restarted", "started", "stopped", "unchanged")


class InstallSystemdService:
    """Write unit and environment, enable the service and start it; one that dies fails the step."""

    name = "Install the service"

    def enabled(self, context: Context) -> bool:
        return True

    def run(self, context: Context) -> None:
        variables = context.variables
        state = self._text(context, "State").lower() or "restarted"
        if state not in _STATES:
            raise StepFailed(f"A service can be {', '.join(_STATES)}, not {state}.")
        is_user = self._text(context, "Scope").lower() == "user"
        starts = self._text(context, "StartMode").lower() != "disabled"
        work = context.command.work
        try:
            name = service_name(self._text(context, "ServiceName"))
            directory = (
                Path.home() / ".config/systemd/user" if is_user else Path("/etc/systemd/system")
            )
            unit = Service(
                description=self._text(context, "Description") or name,
                executable=str(self._executable(context)),
                directory=str(context.directory),
                environment_file=f"{directory}/{name}.service.environment",
                arguments=self._text(context, "Arguments"),
                user="" if is_user else self._text(context, "User"),
                restart=self._text(context, "Restart") or "on-failure",
                wanted_by="default.target" if is_user else "multi-user.target",
                lines=tuple(variables.lines(f"{_PREFIX}.UnitSettings")),
            )
            text = render_unit(unit)
            environment = render_environment(variables.lines(f"{_PREFIX}.Environment"))
        except BadService as error:
            raise StepFailed(f"The service cannot be installed: {error}.") from error
        (work / "unit").write_text(text, encoding="utf-8")
        secret = work / "environment"
        secret.touch(mode=0o600)
        secret.write_text(environment, encoding="utf-8")
        words = (
            str(work / "unit"),
            str(secret),
            str(directory),
            name,
            "user" if is_user else "system",
            "enable" if starts else "disable",
            state,
        )
        body = (pkgutil.get_data("agent.runtime.scripts", "systemd_service.sh") or b"").decode()
        try:
            context.scripts.run_body(
                BASH, body, work, name="systemd_service", parameters=shlex.join(words)
            )
        finally:
            secret.unlink()

    def _text(self, context: Context, name: str) -> str:
        return context.variables.text(f"{_PREFIX}.{name}").strip()

    def _executable(self, context: Context) -> Path:
        """Return the program; one of the package may be run from now on."""
        given = self._text(context, "ExecutablePath")
        if Path(given).is_absolute():
            return Path(given)
        path = inside(context.directory, given)
        if path is None or not path.is_file():
            raise StepFailed(f"The package has no program {given}.")
        path.chmod(path.stat().st_mode | 0o111)
        return path
