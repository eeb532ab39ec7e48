"""Pages of a project's variables as a deployment would see them."""
