"""Which passwords are good enough."""

from deployments.base.errors import Invalid

_FEWEST_CHARACTERS = 7
_MOST_CHARACTERS = 1000
_NEEDED_SCORE = 4


def require_strong(password: str) -> None:
    """Raise Invalid unless the password is long and mixed enough."""
    checks = (
        len(password) >= 8,  # noqa: PLR2004
        len(password) >= 12,  # noqa: PLR2004
        len(password) >= 16,  # noqa: PLR2004
        any(c.isdigit() for c in password),
        any(c.isspace() for c in password),
        any(c.islower() for c in password),
        any(c.isupper() for c in password),
        any(not c.isalnum() and not c.isspace() for c in password),
    )
    good = _FEWEST_CHARACTERS <= len(password) <= _MOST_CHARACTERS
    if not good or sum(checks) < _NEEDED_SCORE:
        text = (
            "The password is too easy to guess. Make it longer, or mix upper and lower case,"
            " digits and symbols."
        )
        raise Invalid(fields={"Password": [text]})
