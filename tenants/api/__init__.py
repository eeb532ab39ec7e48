"""Tenants on the wire."""
