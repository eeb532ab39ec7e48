"""Django's ASGI handler for an application whose middleware and views are synchronous."""

from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from octopus_site.serving.live_body import LargeBody


class OneThreadHandler(ASGIHandler):
    """Runs a request in its thread from the first middleware to the view.

    Django's own goes back to the event loop between middleware and view, which costs each request
    more than all middleware does. Bodies of answers may be asynchronous as ever.
    """

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)

    async def run_get_response(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer."""
        response = await sync_to_async(self.get_response, thread_sensitive=True)(request)
        response._handler_class = type(self)  # type: ignore[attr-defined]  # noqa: SLF001 Django's
        return response

    async def read_body(self, receive: Any) -> Any:
        """Return the file of the body: of a large one before it has come."""
        if isinstance(receive, LargeBody):
            return receive.begin()
        return await super().read_body(receive)
