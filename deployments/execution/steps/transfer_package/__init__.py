"""Transfer a Package without extracting it."""
