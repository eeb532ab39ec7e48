"""Deploy a systemd Service."""
