"""How the server's own processes log: one line an event, tracebacks without local variables.

Local variables in a traceback would carry secrets into the log, as would the addresses of links
that work once.
"""

import logging
import os
import re
from typing import Any

import structlog

_LINKS = re.compile(r"(/app/(?:join|first-administrator)/)[^\s?]+")


class WithoutLinks(logging.Filter):
    """Shortens the addresses of links that make an account; a refused form leaves them good."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                _LINKS.sub(r"\1…", value) if isinstance(value, str) else value
                for value in record.args
            )
        return True


def configure_logging() -> None:
    """Set structlog up: key-value lines, or JSON with OCTOPUS_LOG_FORMAT=json."""
    as_json = os.environ.get("OCTOPUS_LOG_FORMAT") == "json"
    renderers: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if as_json
        else [
            structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            *renderers,
        ],
        cache_logger_on_first_use=True,
    )
