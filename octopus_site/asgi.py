"""The ASGI application that uvicorn serves."""

import os

from django.core.asgi import get_asgi_application

from octopus_site.memory import load_pages, loading

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "octopus_site.settings")

with loading():
    _django = get_asgi_application()

    from octopus_site.http import SpoolChunkedBody
    from octopus_site.middleware.senders import sender_is_known
    from octopus_site.pooling import pool_connections

    pool_connections()
    load_pages()

application = SpoolChunkedBody(_django, sender_is_known)  # type: ignore[arg-type]  # Django types its own callables
