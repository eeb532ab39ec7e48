"""What is written another way for PostgreSQL."""
