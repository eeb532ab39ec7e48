"""The REST API of packages and feeds; receiving and sending files over HTTP."""
