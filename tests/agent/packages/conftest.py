"""The gateway of the daemon's tests."""

from tests.agent.daemon.conftest import gateway as gateway
