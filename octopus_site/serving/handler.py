"""Django's ASGI handler for an application whose middleware and views are synchronous."""

import asyncio
import re
from collections.abc import Iterator, MutableMapping
from contextlib import closing, contextmanager, suppress
from contextvars import copy_context
from io import BytesIO
from typing import Any, Final

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from octopus_site.serving.live_body import LargeBody
from octopus_site.serving.threads import OneThread

Scope = MutableMapping[str, Any]

_MOST_IDLE: Final = 16
_FORM: Final = re.compile(r'multipart/form-data; boundary=("?)([A-Za-z0-9_-]{1,70})\1')


class _Request(ASGIRequest):
    """Reads the content type of a NuGet client's form at a glance; Django makes a mail of each."""

    def _set_content_type_params(self, meta: Any) -> None:
        if form := _FORM.fullmatch(meta.get("CONTENT_TYPE", "")):
            self.content_type = "multipart/form-data"
            self.content_params = {"boundary": form[2]}
        else:
            super()._set_content_type_params(meta)  # type: ignore[misc]  # Django's own


class OneThreadHandler(ASGIHandler):
    """Runs a request in one thread, and in one go from its first signal to its answer.

    Django's own goes back to the event loop between middleware and view, and for each signal, and
    starts two threads for each request; that costs a small request more than its middleware does.
    Bodies of answers may be asynchronous as ever.
    """

    request_class = _Request

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self._idle: list[OneThread] = []

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer a request in a thread that no other request has meanwhile."""
        with self._thread() as thread:
            await self._answer(scope, receive, send, thread)

    @contextmanager
    def _thread(self) -> Iterator[OneThread]:
        thread = self._idle.pop() if self._idle else OneThread("request")
        try:
            yield thread
        finally:
            if len(self._idle) < _MOST_IDLE:
                self._idle.append(thread)
            else:
                thread.shutdown()

    async def _answer(self, scope: Scope, receive: Any, send: Any, thread: OneThread) -> None:
        """Take in the request and send the answer; a stream ends when the client goes away."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with closing(body):
            # What the request sets in its context ends with it; the thread goes on to others.
            response = await thread.begin(copy_context().run, self._respond, scope, body)
            if not response.streaming:
                await self.send_response(response, send)
                return
            async with ThreadSensitiveContext(executor=thread):
                try:
                    await self._stream(response, receive, send)
                finally:
                    await sync_to_async(response.close)()

    def _respond(self, scope: Scope, body: Any) -> HttpResponseBase:
        """Return the answer; what it held, the database's connection above all, is given back."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        request, refusal = self.create_request(scope, body)
        response: Any = refusal if request is None else self.get_response(request)
        response._handler_class = type(self)  # noqa: SLF001 Django's
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if not response.streaming:
            response.close()
        return response  # type: ignore[no-any-return]  # the stubs let create_request give no answer

    async def _stream(self, response: HttpResponseBase, receive: Any, send: Any) -> None:
        """Send what the answer yields until it ends or the client has gone."""
        sending = asyncio.create_task(self.send_response(response, send))
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            sending.cancel()
        with suppress(RequestAborted, asyncio.CancelledError):
            await leaving
        with suppress(asyncio.CancelledError):
            await sending

    async def read_body(self, receive: Any) -> Any:
        """Return the file of the body: of a large one before it has come."""
        if isinstance(receive, LargeBody):
            return receive.begin()
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            return BytesIO(message.get("body", b""))
        return await super().read_body(_beginning_with(message, receive))


def _beginning_with(first: Any, receive: Any) -> Any:
    """Return a `receive` that gives this message before all others."""
    waiting = [first]

    async def receive_next() -> Any:
        return waiting.pop() if waiting else await receive()

    return receive_next
