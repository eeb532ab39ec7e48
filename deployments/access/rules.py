"""Entries of a permission map that are not permissions."""

from enum import Enum


class Rule(Enum):
    """ANONYMOUS: anybody; SIGNED_IN: any user, the action itself narrows what is shown."""

    ANONYMOUS = "anonymous"
    SIGNED_IN = "signed in"


ANONYMOUS = Rule.ANONYMOUS
SIGNED_IN = Rule.SIGNED_IN
