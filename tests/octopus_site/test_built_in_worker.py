"""When the built-in worker registers again: what the server knows of it counts, not its files."""

import hashlib
from pathlib import Path

import pytest
from django.conf import settings

from agent.runtime.config import AgentConfig, save
from deployments.infrastructure.models import Agent
from deployments.infrastructure.services.registration import gateway_url
from octopus_site.up.built_in_worker import is_registered
from tests.factories import default_space


@pytest.mark.django_db
def test_it_is_registered_while_the_server_has_its_agent(tmp_path: Path) -> None:
    server = settings.OCTOPUS
    assert not is_registered(tmp_path, server)
    config = AgentConfig(
        name="Built-in worker",
        server_url=f"http://127.0.0.1:{server.web_port}",
        gateway_url=gateway_url(),
        machine_id="Workers-1",
    )
    save(tmp_path, config, "the credential")
    assert not is_registered(tmp_path, server)
    digest = hashlib.sha256(b"the credential").hexdigest()
    agent = Agent.objects.create(space=default_space(), credential_sha256=digest)
    assert is_registered(tmp_path, server)
    agent.delete()
    assert not is_registered(tmp_path, server)
