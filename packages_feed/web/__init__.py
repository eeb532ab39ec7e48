"""The pages of the built-in feed."""
