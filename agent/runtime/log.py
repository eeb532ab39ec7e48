"""The daemon's own log: plain lines on standard error, never a secret."""

import logging
import sys


def configure(level: str) -> None:
    """Write `tentacle` records from a level on; libraries only from warning on.

    The WebSocket library logs headers, and with them the credential, at debug level.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("tentacle").setLevel(level.upper())
