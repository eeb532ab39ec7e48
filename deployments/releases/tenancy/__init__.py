"""Releases and tenants: who may get one, and how far each has come."""
