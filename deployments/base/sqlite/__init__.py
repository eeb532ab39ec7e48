"""A thin SQLite backend: WAL, IMMEDIATE transactions and a turnstile in front of writers."""
