"""What a parsed XPath expression consists of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Expression:
    """An operator, function, literal or path with what it works on.

    `kind` is `number`, `literal`, `call`, `binary`, `negative`, `union` or `path`.
    """

    kind: str
    text: str = ""
    number: float = 0.0
    parts: tuple["Expression", ...] = ()
    steps: tuple["Step", ...] = ()
    is_absolute: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a path; `test` is a name as written, or a type such as `text()`."""

    axis: str
    test: str
    predicates: tuple[Expression, ...] = ()
    target: str = ""
