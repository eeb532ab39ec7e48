"""Composition: settings, URLs, the ASGI and Celery applications, the command line."""
