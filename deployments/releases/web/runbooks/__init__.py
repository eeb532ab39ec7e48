"""The pages of runbooks: list, one of them, running it."""
