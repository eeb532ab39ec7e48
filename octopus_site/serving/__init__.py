"""How the web process takes requests and hands them to Django."""
