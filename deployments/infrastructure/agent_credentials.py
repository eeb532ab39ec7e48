"""The credential of agents: how a request or a socket proves which agent it is."""

import hashlib

from deployments.infrastructure.models import Agent


def digest(secret: str) -> str:
    """Return what is kept of a credential or of a registration token."""
    return hashlib.sha256(secret.encode()).hexdigest()


def agent_for_credential(credential: str) -> Agent | None:
    """Return the agent with this credential, unless it was revoked or quarantined."""
    return (
        Agent.objects.unscoped(reason="an agent signs in with its credential")
        .filter(credential_sha256=digest(credential), revoked=None, quarantined=None)
        .select_related("space")
        .first()
    )


def bearer(header: str) -> str:
    """Return the token of an Authorization header, or an empty text."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
