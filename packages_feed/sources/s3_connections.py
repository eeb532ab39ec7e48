"""Connections of boto3 that go only to addresses that were checked, looked up once."""

import socket
from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError

from deployments.base.outgoing import Refused, addresses_of


def check_connections(client: Any, *, allow_loopback: bool) -> None:
    """Let every connection of a boto3 client, those of redirects too, check where it leads."""

    class Checked(HTTPConnection):
        """A connection whose name is looked up by us."""

        def _new_conn(self) -> socket.socket:
            name = self._dns_host
            addresses = addresses_of(self.host, self.port or 0, allow_loopback=allow_loopback)
            try:
                for address in addresses:
                    self._dns_host = address
                    try:
                        return super()._new_conn()
                    except HTTPError:
                        if address == addresses[-1]:
                            raise
                raise Refused(f"{name} has no address.")
            finally:
                self._dns_host = name

    class Plain(AWSHTTPConnection, Checked):  # type: ignore[misc]  # as botocore has it
        pass

    class Secure(AWSHTTPSConnection, Checked):  # type: ignore[misc]  # as botocore has it
        pass

    class PlainPool(AWSHTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(AWSHTTPSConnectionPool):
        ConnectionCls = Secure

    client._endpoint.http_session._manager.pool_classes_by_scheme = {  # noqa: SLF001 no public way
        "http": PlainPool,
        "https": SecurePool,
    }
