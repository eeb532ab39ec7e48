"""The variables of one command, by name without regard to case."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from agent.language import Evaluation, VariableSet, evaluate


class Variable(NamedTuple):
    name: str
    value: str
    sensitive: bool


class Variables:
    """A changeable set of variables; the last value given to a name wins."""

    def __init__(self, entries: Iterable[tuple[str, str, bool]] = ()) -> None:
        self._by_key: dict[str, Variable] = {}
        self._compiled: VariableSet | None = None
        for name, value, sensitive in entries:
            self.set(name, value, sensitive=sensitive)

    def set(self, name: str, value: str, *, sensitive: bool = False) -> None:
        self._by_key[name.lower()] = Variable(name, value, sensitive)
        self._compiled = None

    def get(self, name: str, default: str = "") -> str:
        """Return the raw value."""
        found = self._by_key.get(name.lower())
        return default if found is None else found.value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return True or False for these words in any case, else the default."""
        word = self.get(name).strip().lower()
        return word == "true" if word in ("true", "false") else default

    def lines(self, name: str) -> list[str]:
        """Return the non-blank lines of the evaluated value."""
        stripped = (line.strip() for line in self.text(name).splitlines())
        return [line for line in stripped if line]

    def text(self, name: str) -> str:
        """Return the evaluated value; what cannot be resolved stays as source text."""
        return self.evaluate(self.get(name)).text

    def evaluate(self, template: str, *, halt_on_error: bool = True) -> Evaluation:
        """Evaluate a template over these variables; raise LanguageError."""
        if self._compiled is None:
            self._compiled = VariableSet({entry.name: entry.value for entry in self})
        return evaluate(template, self._compiled, halt_on_error=halt_on_error)

    def has_secret_in(self, text: str) -> bool:
        """Tell whether the text holds the value of a sensitive variable."""
        return any(each.sensitive and each.value and each.value in text for each in self)

    def __iter__(self) -> Iterator[Variable]:
        return iter(list(self._by_key.values()))

    def __len__(self) -> int:
        return len(self._by_key)
