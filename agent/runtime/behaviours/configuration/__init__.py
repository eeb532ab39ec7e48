"""What changes the configuration files of a package, in the order of the conventions."""
