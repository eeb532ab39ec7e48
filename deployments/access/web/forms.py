"""What the views of forms and lists share: reading fields, showing refusals, paging."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.contrib import messages
from django.core.paginator import EmptyPage, Page, Paginator
from django.db import IntegrityError
from django.db.models import ProtectedError, QuerySet, RestrictedError
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render

from deployments.access.identity import credential_check
from deployments.access.web.pages import PageRequest
from deployments.base.errors import AT_THE_SAME_MOMENT, Invalid
from deployments.base.numbers import whole_number
from deployments.base.threads import give_connection_back, in_thread

T = TypeVar("T")

PAGE_SIZE = 50
REFUSED = 400
# Seconds that a stream may go on with a credential that was taken away.
ASK_EVERY = 2.0


@dataclass(frozen=True)
class Problems:
    """Why a form was refused: all sentences for the summary, the first one of each field."""

    errors: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.errors)


NO_PROBLEMS = Problems()


def attempt(act: Callable[[], T]) -> tuple[T | None, Problems]:
    """Do something that may raise Invalid; returns its result or why it was refused.

    So it is when another person wrote the same row first. No transaction may be open around it.
    """
    try:
        return act(), NO_PROBLEMS
    except Invalid as error:
        fields = {name: texts[0] for name, texts in error.fields.items() if texts}
        return None, Problems(tuple(error.errors) or (error.message,), fields)
    except (ProtectedError, RestrictedError):  # both are IntegrityErrors as well
        raise
    except IntegrityError:
        return None, Problems((AT_THE_SAME_MOMENT,))


def refusal(act: Callable[[], None]) -> Problems:
    """Do something that may raise Invalid; returns why it was refused, else nothing."""
    return attempt(act)[1]


def show(
    request: HttpRequest, template: str, values: dict[str, Any], problems: Problems = NO_PROBLEMS
) -> HttpResponse:
    """Return the page; with problems, as the answer to a refused form."""
    status = REFUSED if problems else 200
    return render(request, template, {**values, "problems": problems}, status=status)


def event_stream(request: PageRequest, parts: AsyncGenerator[bytes, None]) -> StreamingHttpResponse:
    """Answer with server-sent events for as long as the request's credential is good.

    The request's database connection is free meanwhile.
    """
    is_good = credential_check(request)
    give_connection_back()
    return StreamingHttpResponse(
        while_good(parts, lambda: in_thread(is_good)),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def while_good(
    parts: AsyncGenerator[bytes, None],
    ask: Callable[[], Awaitable[bool]],
    *,
    every: float = ASK_EVERY,
) -> AsyncGenerator[bytes, None]:
    """Yield the parts until `ask` says no; it is asked before a part, not more often than that."""
    time = asyncio.get_running_loop().time
    asked = time()
    async with aclosing(parts):
        async for part in parts:
            if time() - asked >= every:
                if not await ask():
                    return
                asked = time()
            yield part


def place(request: PageRequest, path: str) -> str:
    """Return the address of a page of the request's space."""
    return f"/app/{request.space.public_id}/{path}"


def go(request: PageRequest, path: str) -> HttpResponseRedirect:
    """Send the browser to another page of the space."""
    return HttpResponseRedirect(place(request, path))


def carry_out(
    request: PageRequest, act: Callable[[], object], done: str, *, to: str, refused: str = ""
) -> HttpResponseRedirect:
    """Do something, say `done` and go to `to`; if it is refused, say why and go to `refused`."""
    _, problems = attempt(act)
    if problems:
        messages.error(request, problems.errors[0])
        return go(request, refused or to)
    messages.success(request, done)
    return go(request, to)


def checked(request: HttpRequest, name: str) -> bool:
    """Tell whether a checkbox was sent."""
    return request.POST.get(name, "") in {"on", "true", "True", "1"}


def words(text: str) -> list[str]:
    """Split a list that a person typed: commas, lines."""
    parts = text.replace("\r", "").replace("\n", ",").split(",")
    return [part.strip() for part in parts if part.strip()]


def filters_of(request: HttpRequest) -> Mapping[str, str]:
    """Return what the address asks for, empty where it asks for nothing.

    Templates read it; looking for a name in vain is what is slow about a request's own mapping.
    """
    return defaultdict(str, request.GET.dict())


def choices_of(rows: "QuerySet[Any]") -> list[tuple[str, str, str]]:
    """Return the rows for `{% options %}`: public id, slug and name."""
    prefix = rows.model.id_prefix
    found = rows.values_list("pk", "slug", "name")
    return [(f"{prefix}-{number}", slug, name) for number, slug, name in found]


def page_of(
    request: HttpRequest,
    rows: "QuerySet[Any] | Sequence[Any]",
    size: int = PAGE_SIZE,
    *,
    count: int | None = None,
) -> "Page[Any]":
    """Return the page that the query asks for; the nearest one when there is none.

    Give `count` when it is known how many rows there are: the database then counts no more.
    """
    paginator = Paginator(rows, size)
    if count is not None:
        paginator.__dict__["count"] = count
    try:
        return paginator.page(whole_number(request.GET.get("page")) or 1)
    except EmptyPage:
        return paginator.page(paginator.num_pages)
