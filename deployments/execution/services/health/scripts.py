"""What a health check runs on a machine."""

from typing import Final

CONNECTIVITY: Final = "echo 'The agent answers.'\n"

_FUNCTIONS: Final = """\
echo_warning() { write_warning "$@"; }
echo_error() { printf '%s\\n' "$*" >&2; }
fail_healthcheck() { fail_step "$@"; }
"""
_DEFAULT: Final = """\
printf 'System: %s\\n' "$(uname -sr)"
printf 'Up for: %s s\\n' "$(cut -d. -f1 /proc/uptime 2>/dev/null || echo unknown)"
printf 'Free disk: %s KiB\\n' "$(df -Pk . 2>/dev/null | awk 'END { print $4 }')"
"""


def script_of(policy_script: str) -> str:
    """Return the script of a policy, or the server's own, with the functions that it may call."""
    return _FUNCTIONS + (policy_script if policy_script.strip() else _DEFAULT)
