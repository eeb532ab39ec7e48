"""The directory of these tests."""

from tests.deployments.access.ldap.server import ldap_server

__all__ = ["ldap_server"]
