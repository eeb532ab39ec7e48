"""The ASGI application that uvicorn serves."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "octopus_site.settings")

_django = get_asgi_application()

from octopus_site.http import SpoolChunkedBody  # noqa: E402 needs the settings
from octopus_site.memory import keep_what_is_loaded  # noqa: E402 as above
from octopus_site.middleware.senders import sender_is_known  # noqa: E402 as above
from octopus_site.pooling import pool_connections  # noqa: E402 as above

pool_connections()
keep_what_is_loaded()
application = SpoolChunkedBody(_django, sender_is_known)  # type: ignore[arg-type]  # Django types its own callables
