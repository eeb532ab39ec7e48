"""Errors that services raise and that every delivery path turns into its own answer."""

from collections.abc import Iterable, Mapping
from typing import Final

# What the database refused because two wrote at once.
AT_THE_SAME_MOMENT: Final = "Somebody else changed the same thing at the same moment. Try again."


class OctopusError(Exception):
    """An error whose text is meant for the person who caused it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Invalid(OctopusError):
    """The request cannot be carried out as it is (400).

    `errors` are whole sentences; `fields` maps a field's name to its sentences.
    """

    def __init__(
        self,
        *errors: str,
        fields: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        self.fields = {name: tuple(texts) for name, texts in (fields or {}).items()}
        of_fields = [text for texts in self.fields.values() for text in texts]
        self.errors = (*errors, *of_fields)
        super().__init__(self.errors[0] if self.errors else "The request is not valid.")


class Conflict(Invalid):
    """The request contradicts what is stored (409)."""


class NotFound(OctopusError):
    """The thing does not exist or may not be seen (404)."""

    def __init__(
        self,
        message: str = "Resource is not found or it doesn't exist in the current space context."
        " Please contact your administrator for more information.",
    ) -> None:
        super().__init__(message)


class NotAuthenticated(OctopusError):
    """Nobody is signed in, or the credential is wrong (401)."""

    def __init__(self, message: str = "You must be logged in to request this resource.") -> None:
        super().__init__(message)


class NotPermitted(OctopusError):
    """The actor may see the thing but not do this (403); names the missing permission."""

    def __init__(self, permission: str, detail: str = "") -> None:
        self.permission = permission
        text = (
            f"You do not have permission to perform this action. Missing permission: {permission}"
        )
        super().__init__(f"{text} ({detail})." if detail else f"{text}.")


class Unavailable(OctopusError):
    """What is asked for is kept elsewhere, which does not answer now (503)."""
