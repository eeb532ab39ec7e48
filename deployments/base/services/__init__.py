"""Services of the ground floor."""
