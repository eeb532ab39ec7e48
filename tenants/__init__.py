"""Tenants, tag sets and their connections to projects."""
