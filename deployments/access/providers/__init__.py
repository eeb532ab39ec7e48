"""OpenID Connect: reading what providers publish, verifying their tokens, issuing our own."""
