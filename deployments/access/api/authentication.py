"""Who sent a request, for API views (see deployments.access.identity)."""

from deployments.access.identity import (
    WrongCredential,
    actor_of_request,
    authenticate_request,
    sent_key,
)

__all__ = ["WrongCredential", "actor_of_request", "authenticate_request", "sent_key"]
