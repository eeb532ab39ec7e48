"""Send an HTTP request until the answer is as it must be, or the time is over."""

import base64
import http.client
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from agent.contracts.masking import Secrets
from deployments.base.outgoing import Answer, HttpRequest, Refused, send
from deployments.execution.steps.step_type import (
    Property,
    PropertyKind,
    Result,
    ServerAction,
    StepType,
)
from deployments.execution.variables import Variables, masks

_HTTP = "Octopus.Action.HttpRequest"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_DEFAULT_TIMEOUT_S, _LONGEST_TIMEOUT_S = 60.0, 900.0
_DEFAULT_PAUSE_S = 5.0
_LONGEST_REQUEST_S = 30.0
_SHORTEST_REQUEST_S = 1.0
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CODES = re.compile(r"\s*([1-5]\d\d)\s*(?:-\s*([1-5]\d\d)\s*)?")
# How much of an answer the log and the output variable show.
_EXCERPT = 300
_LONGEST_OUTPUT = 10_000


class Wrong(ValueError):
    """A setting that cannot be used."""


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """The step's settings, read and checked."""

    request: HttpRequest
    codes: tuple[range, ...]
    text: str
    timeout_s: float
    pause_s: float

    def problem_with(self, answer: Answer) -> str:
        """Return what is wrong with an answer, or nothing."""
        if not any(answer.status in codes for codes in self.codes):
            return f"the status is {answer.status}"
        if self.text and self.text not in answer.body.decode("utf-8", "replace"):
            return "the expected text is not in the answer"
        return ""


def read(variables: Variables, *, allow_loopback: bool = False) -> Settings:
    """Read the settings. Raises Wrong."""

    def text(name: str, default: str = "") -> str:
        return variables.text(f"{_HTTP}.{name}").strip() or default

    method = text("Method", "GET").upper()
    if method not in _METHODS:
        raise Wrong(f"The method {method} is not one of {', '.join(_METHODS)}.")
    if not text("Url").lower().startswith(("http://", "https://")):
        raise Wrong("The address must begin with http:// or https://.")
    headers = _headers(variables.text(f"{_HTTP}.Headers"))
    if user := text("Username"):
        pair = f"{user}:{variables.text(f'{_HTTP}.Password')}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    return Settings(
        request=HttpRequest(
            method=method,
            url=text("Url"),
            headers=headers,
            body=variables.text(f"{_HTTP}.Body").encode(),
            follow=text("FollowRedirects", "True").lower() == "true",
            allow_loopback=allow_loopback,
        ),
        codes=_codes(text("ExpectedCodes", "200-299")),
        text=text("ExpectedText"),
        timeout_s=_seconds("time limit", text("TimeoutSeconds"), _DEFAULT_TIMEOUT_S),
        pause_s=_seconds("pause", text("PauseSeconds"), _DEFAULT_PAUSE_S),
    )


def check(variables: Variables) -> str:
    """Return why the request cannot be sent."""
    try:
        read(variables)
    except Wrong as problem:
        return str(problem)
    return ""


def run(action: ServerAction) -> Result:
    """Ask until the answer is right; the last answer becomes output variables."""
    secrets = Secrets()
    for value in masks(action.variables):
        secrets.add(value)

    def say(level: str, text: str) -> None:
        action.log(level, secrets.mask(text))

    try:
        allow = str(action.settings.get("http_request.allow_loopback")).lower() == "true"
        settings = read(action.variables, allow_loopback=allow)
        answer, problem = _ask_until_right(settings, say)
    except (Wrong, Refused) as error:
        return Result(secrets.mask(str(error)))
    outputs = {}
    if answer is not None:
        body = secrets.mask(answer.body.decode("utf-8", "replace").replace("\0", "\ufffd"))
        outputs = {"StatusCode": str(answer.status), "Body": body[:_LONGEST_OUTPUT]}
        if body.strip():
            say("verbose", f"The answer begins: {' '.join(body.split())[:_EXCERPT]}")
    if problem:
        text = f"No right answer within {settings.timeout_s:g} s: {problem}."
        return Result(secrets.mask(text), outputs)
    return Result(outputs=outputs)


def _ask_until_right(
    settings: Settings, say: Callable[[str, str], None]
) -> tuple[Answer | None, str]:
    end = time.monotonic() + settings.timeout_s
    request = settings.request
    while True:
        left = max(_SHORTEST_REQUEST_S, min(_LONGEST_REQUEST_S, end - time.monotonic()))
        began = time.monotonic()
        answer = None
        try:
            answer = send(request, left)
            problem = settings.problem_with(answer)
            status = f"{answer.status} after {time.monotonic() - began:.2f} s"
        except (OSError, http.client.HTTPException, ValueError) as error:
            if isinstance(error, Refused):
                raise
            problem = status = f"{type(error).__name__}: {error}"
        say("info" if not problem else "warning", f"{request.method} {request.url}: {status}")
        if not problem or time.monotonic() + settings.pause_s >= end:
            return answer, problem
        time.sleep(settings.pause_s)


def _headers(lines: str) -> dict[str, str]:
    headers = {}
    for line in filter(None, map(str.strip, lines.splitlines())):
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name.strip()):
            raise Wrong("A header must be written as Name: value, one in each line.")
        headers[name.strip()] = value.strip()
    return headers


def _codes(text: str) -> tuple[range, ...]:
    found = []
    for part in text.split(","):
        match = _CODES.fullmatch(part)
        if match is None:
            raise Wrong(f"{part.strip()!r} is no status code such as 200 or 200-299.")
        found.append(range(int(match[1]), int(match[2] or match[1]) + 1))
    return tuple(found)


def _seconds(name: str, text: str, default: float) -> float:
    try:
        value = float(text or default)
    except ValueError:
        value = -1.0
    if not 0 <= value <= _LONGEST_TIMEOUT_S:
        raise Wrong(f"The {name} must be a number of seconds from 0 to {_LONGEST_TIMEOUT_S:g}.")
    return value


STEP = StepType(
    action_type="Octopus.HttpRequest",
    name="HTTP Request",
    summary="Call an address, or wait until a service answers as it must.",
    category="Other",
    run=run,
    check=check,
    settings=("http_request",),
    properties=(
        Property(f"{_HTTP}.Url", "Address", required=True, help="Begins with http or https."),
        Property(
            f"{_HTTP}.Method",
            "Method",
            PropertyKind.SELECT,
            default="GET",
            options=tuple((name, name) for name in _METHODS),
        ),
        Property(
            f"{_HTTP}.Headers", "Headers", PropertyKind.LINES, help="Name: value, one in each line."
        ),
        Property(f"{_HTTP}.Body", "Body", PropertyKind.LINES),
        Property(f"{_HTTP}.Username", "User name", help="For basic authentication."),
        Property(f"{_HTTP}.Password", "Password", PropertyKind.SECRET),
        Property(
            f"{_HTTP}.ExpectedCodes",
            "Right status codes",
            default="200-299",
            help="Codes and ranges, separated by commas.",
        ),
        Property(f"{_HTTP}.ExpectedText", "Text in the answer", help="Found in the first 64 KiB."),
        Property(
            f"{_HTTP}.TimeoutSeconds",
            "Time limit in seconds",
            default="60",
            help="Asks again until the answer is right or this time is over; 0 asks once.",
        ),
        Property(f"{_HTTP}.PauseSeconds", "Pause in seconds", default="5"),
        Property(
            f"{_HTTP}.FollowRedirects", "Follow redirects", PropertyKind.CHECKBOX, default="True"
        ),
    ),
)
