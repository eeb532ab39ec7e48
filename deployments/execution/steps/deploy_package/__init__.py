"""Deploy a Package."""
