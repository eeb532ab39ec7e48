"""What differs between operating systems, one module each; Linux is the one that is built.

`watch` needs an event loop and is imported by itself, because the spawner must stay small.
"""

from agent.runtime.platform.linux import (
    boot_id,
    free_disk,
    is_locked,
    leave_group,
    leave_no_trace,
    limit_silence,
    own_control_group,
    own_group,
    shells,
    write_no_memory_to_disk,
)

__all__ = [
    "boot_id",
    "free_disk",
    "is_locked",
    "leave_group",
    "leave_no_trace",
    "limit_silence",
    "own_control_group",
    "own_group",
    "shells",
    "write_no_memory_to_disk",
]
