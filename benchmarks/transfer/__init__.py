"""What an update of a package costs on the wire."""
