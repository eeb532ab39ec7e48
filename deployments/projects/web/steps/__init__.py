"""Help in the forms of steps."""
