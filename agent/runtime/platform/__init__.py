"""What differs between operating systems, one module each; Linux is the one that is built."""

from agent.runtime.platform.linux import (
    boot_id,
    free_disk,
    is_locked,
    leave_no_trace,
    limit_silence,
    own_group,
    shells,
)
from agent.runtime.platform.watch import FolderWatch

__all__ = [
    "FolderWatch",
    "boot_id",
    "free_disk",
    "is_locked",
    "leave_no_trace",
    "limit_silence",
    "own_group",
    "shells",
]
