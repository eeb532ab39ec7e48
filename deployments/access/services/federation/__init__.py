"""Writes to identities that others vouch for."""
