"""Script modules as variables and files: the names that server and agent agree on."""

import re
from typing import Final

# That of a module whose language is not told: they could once be nothing else.
OLDEST: Final = "PowerShell"
_EXTENSIONS: Final = {"bash": ".sh", "python": ".py", "powershell": ".psm1"}
_BODY: Final = re.compile(r"Octopus\.Script\.Module\[(.+)\]\Z", re.IGNORECASE | re.DOTALL)
_NOT_IN_FILE_NAMES: Final = re.compile(r"[^\w]", re.ASCII)


def body_name(name: str) -> str:
    """Return the name of the variable that holds the script of a module."""
    return f"Octopus.Script.Module[{name}]"


def language_name(name: str) -> str:
    """Return the name of the variable that holds its language."""
    return f"Octopus.Script.Module.Language[{name}]"


def module_of(variable: str) -> str | None:
    """Return the module whose script a variable of this name holds."""
    found = _BODY.match(variable)
    return found[1] if found else None


def file_name(name: str, language: str) -> str:
    """Return the name of the file that scripts load; empty where there can be none."""
    stem = _NOT_IN_FILE_NAMES.sub("", name)
    extension = _EXTENSIONS.get(language.strip().lower(), "")
    return f"{stem}{extension}" if stem and extension else ""
