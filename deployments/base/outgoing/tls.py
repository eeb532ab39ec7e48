"""The one TLS context of the server's outgoing connections."""

import ssl
from functools import cache


@cache
def client_context() -> ssl.SSLContext:
    """Return the context that checks certificates and names against the system's authorities.

    Reading these takes longer than a handshake, so it is done once for each process. Nobody may
    change the context: all connections share it.
    """
    return ssl.create_default_context()
