"""What breaks things on purpose, and what looks at the outcome."""
