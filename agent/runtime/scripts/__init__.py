"""Bootstrap scripts, delivered as data of this package."""
