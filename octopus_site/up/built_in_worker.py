"""The built-in worker: an ordinary agent on the server's own machine."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from octopus_site.conf import Configuration, ConfigurationError

_REGISTER_WITHIN = 60.0


def is_registered(home: Path, configuration: Configuration) -> bool:
    """Say whether the agent of a folder is registered with this server at its present ports.

    One that was deleted here, or is not let in any more, is not.
    """
    from deployments.infrastructure.agent_credentials import (  # noqa: PLC0415 Django is set up
        agent_for_credential,
    )
    from deployments.infrastructure.services.registration import (  # noqa: PLC0415 Django is set up
        gateway_url,
    )

    try:
        known = json.loads((home / "config.json").read_bytes())
        credential = (home / "credential").read_text().strip()
    except (OSError, ValueError):
        return False
    server = f"http://127.0.0.1:{configuration.web_port}"
    here = (known.get("server_url"), known.get("gateway_url")) == (server, gateway_url())
    return here and agent_for_credential(credential) is not None


def ensure_registered(configuration: Configuration, agent_environment: Mapping[str, str]) -> Path:
    """Register the built-in worker unless it already is; returns its home folder."""
    home = configuration.data_dir / "built-in-worker"
    if is_registered(home, configuration):
        return home
    from deployments.base.actor import Actor  # noqa: PLC0415 Django is set up by now
    from deployments.base.models import Space  # noqa: PLC0415 needs Django's set-up
    from deployments.infrastructure.services.registration_tokens import (  # noqa: PLC0415 needs Django's set-up
        create_registration_token,
    )

    token = create_registration_token(
        actor=Actor.system("built-in worker"),
        space=Space.objects.get(is_default=True),
        is_built_in_worker=True,
    )
    command = [
        *(sys.executable, "-m", "agent.runtime.cli", "register", "--worker"),
        *("--server", f"http://127.0.0.1:{configuration.web_port}", "--home", str(home)),
        *("--name", "Built-in worker", "--force"),
    ]
    try:
        result = subprocess.run(
            command,
            env={**agent_environment, "TENTACLE_TOKEN": token},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_REGISTER_WITHIN,
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError("the built-in worker cannot register in time") from error
    if result.returncode != 0:
        raise ConfigurationError(f"the built-in worker cannot register: {result.stderr.strip()}")
    return home
