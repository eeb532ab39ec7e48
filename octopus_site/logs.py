"""How the server's own processes log: one line an event, tracebacks without local variables.

Local variables in a traceback would carry secrets into the log.
"""

import os
from typing import Any

import structlog


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
