"""Tasks and nodes on the wire."""
