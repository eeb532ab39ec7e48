"""The models of tenants."""
