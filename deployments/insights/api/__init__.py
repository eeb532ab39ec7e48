"""The dashboard on the wire."""
