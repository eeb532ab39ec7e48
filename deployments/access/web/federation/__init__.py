"""Pages of identities that others vouch for."""
