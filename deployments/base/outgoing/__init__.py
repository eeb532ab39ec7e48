"""Requests of the server to addresses that people wrote: checked, limited, credentials kept."""

from deployments.base.outgoing.addresses import Refused, addresses_of, connected
from deployments.base.outgoing.client import Answer, HttpRequest, open_answer, send

__all__ = ["Answer", "HttpRequest", "Refused", "addresses_of", "connected", "open_answer", "send"]
