"""Patches between archives: how a new archive is made from an old one and little else.

Shared by the server, which makes them, and the agent, which applies them. No sockets, no clocks.
"""

from agent.patches.apply import apply_patch
from agent.patches.deflating import deflate_mark, gzip_mark
from agent.patches.format import BrokenPatch

__all__ = ["BrokenPatch", "apply_patch", "deflate_mark", "gzip_mark"]
