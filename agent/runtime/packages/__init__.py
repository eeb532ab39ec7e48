"""Packages on this machine: fetched from the server, kept by content hash."""
