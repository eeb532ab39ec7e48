"""Running an installed package as a service of systemd."""
