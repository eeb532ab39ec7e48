"""Requests of the server to addresses that people wrote: checked, limited, credentials kept."""

from deployments.base.outgoing.addresses import Refused, addresses_of, connected
from deployments.base.outgoing.client import Answer, HttpRequest, open_answer, send
from deployments.base.outgoing.limits import Limit, limited
from deployments.base.outgoing.tls import client_context

__all__ = [
    "Answer",
    "HttpRequest",
    "Limit",
    "Refused",
    "addresses_of",
    "client_context",
    "connected",
    "limited",
    "open_answer",
    "send",
]
