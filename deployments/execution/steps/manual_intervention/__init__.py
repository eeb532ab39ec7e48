"""Manual intervention."""
