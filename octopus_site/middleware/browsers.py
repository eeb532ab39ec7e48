"""What only browsers need: static files, sessions, languages, messages between pages, htmx."""

import re
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

Next = Callable[[HttpRequest], HttpResponse]

# NuGet clients send a key or a password with each request; a session does not count there.
_FEED: Final = re.compile(r"/(nuget|api/v2|api/(spaces/)?Spaces-[0-9]{1,18}/nuget)(/|\Z)")


class BrowsersMiddleware:
    """Sends every request but those to the feed through `settings.BROWSER_MIDDLEWARE`.

    Of that, each does all by being called; Django's other hooks are not asked.
    """

    def __init__(self, get_response: Next) -> None:
        self._rest = get_response
        chain = get_response
        for name in reversed(settings.BROWSER_MIDDLEWARE):
            chain = import_string(name)(chain)
        self._browsers = chain

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chain = self._rest if _FEED.match(request.path_info) else self._browsers
        return chain(request)
