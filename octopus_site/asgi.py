"""The ASGI application that uvicorn serves."""

import os

import django

from octopus_site.memory import load_pages, loading

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "octopus_site.settings")

with loading():
    django.setup(set_prefix=False)

    from django.conf import settings

    from octopus_site.http import SpoolChunkedBody
    from octopus_site.middleware.senders import sender_is_known
    from octopus_site.pooling import pool_connections
    from octopus_site.serving.handler import OneThreadHandler
    from packages_feed.storage import use_writer

    if settings.OCTOPUS.storage_url.startswith("file:"):
        use_writer()
    pool_connections()
    load_pages()
    _django = OneThreadHandler()

application = SpoolChunkedBody(_django, sender_is_known)
