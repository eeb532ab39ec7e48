"""Query strings: names ignore case, lists come comma-joined or repeated."""

from collections.abc import Iterable, Mapping

from django.http import QueryDict

from deployments.base.errors import Invalid

_TRUE = {"true", "1", "yes"}
_FALSE = {"false", "0", "no"}


class Query:
    """A query string; read it with `text`, `texts`, `number` and `flag`."""

    def __init__(self, values: QueryDict | Mapping[str, Iterable[str]]) -> None:
        pairs = values.lists() if isinstance(values, QueryDict) else values.items()
        self._values: dict[str, list[str]] = {}
        for name, texts in pairs:
            self._values.setdefault(name.lower(), []).extend(texts)

    def pairs(self) -> list[tuple[str, str]]:
        """Return every name (lower-cased) with each of its values."""
        return [(name, text) for name, texts in self._values.items() for text in texts]

    def text(self, name: str, default: str = "") -> str:
        """Return the last value, or the default when absent or empty."""
        texts = self._values.get(name.lower(), [])
        return (texts[-1].strip() if texts else "") or default

    def texts(self, name: str) -> list[str]:
        """Return all values of a list; empty when absent."""
        joined = ",".join(self._values.get(name.lower(), []))
        return list(dict.fromkeys(text.strip() for text in joined.split(",") if text.strip()))

    def number(self, name: str, default: int) -> int:
        """Return a whole number of at least 0; raises Invalid."""
        text = self.text(name)
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > 18:  # noqa: PLR2004
            raise Invalid(f"The query parameter {name} must be a whole number.")
        return int(text)

    def flag(self, name: str, *, default: bool | None = None) -> bool | None:
        """Return true or false, or the default when absent; raises Invalid."""
        text = self.text(name).lower()
        if not text:
            return default
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        raise Invalid(f"The query parameter {name} must be true or false.")
