"""Readers that turn decoded JSON into typed values, built once per dataclass from its hints."""

import dataclasses
import functools
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

Reader = Callable[[Any, str], Any]

_BIGGEST = 2**63


class FieldError(ValueError):
    """A value of the wrong type or form, with the path of the field."""


@functools.cache
def reader_for(kind: type) -> Reader:
    """Return a function (value, path) -> instance for a dataclass; unknown keys are ignored."""
    hints = get_type_hints(kind, include_extras=True)
    plan = [
        (field.name, _reader(hints[field.name]), _is_required(field))
        for field in dataclasses.fields(kind)
    ]

    def read(value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise FieldError(f"{path or 'message'} must be an object")
        arguments = {}
        for name, reader, required in plan:
            if value.get(name) is not None:
                arguments[name] = reader(value[name], f"{path}.{name}" if path else name)
            elif required:
                raise FieldError(f"{path}.{name} is missing" if path else f"{name} is missing")
        return kind(**arguments)

    return read


def _is_required(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _reader(hint: Any) -> Reader:
    origin = get_origin(hint)
    if origin is Annotated:
        return _checked(_reader(get_args(hint)[0]), get_args(hint)[1:])
    if origin in (Union, types.UnionType):
        # Absent and null mean the same, so only the other member is ever read.
        return _reader(next(part for part in get_args(hint) if part is not type(None)))
    if origin is tuple:
        return _sequence(_reader(get_args(hint)[0]))
    if origin is Literal:
        return _choice(get_args(hint))
    if origin is dict:
        return _object
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return reader_for(hint)
    scalars: dict[Any, Reader] = {str: _text, int: _integer, float: _number, bool: _flag}
    return scalars[hint]


def _checked(inner: Reader, checks: tuple[Any, ...]) -> Reader:
    def read(value: Any, path: str) -> Any:
        result = inner(value, path)
        for check in checks:
            problem = check.problem(result)
            if problem is not None:
                raise FieldError(f"{path} {problem}")
        return result

    return read


def _sequence(inner: Reader) -> Reader:
    def read(value: Any, path: str) -> Any:
        if not isinstance(value, list):
            raise FieldError(f"{path} must be a list")
        return tuple(inner(item, f"{path}[{index}]") for index, item in enumerate(value))

    return read


def _choice(choices: tuple[Any, ...]) -> Reader:
    def read(value: Any, path: str) -> Any:
        if not isinstance(value, str) or value not in choices:
            raise FieldError(f"{path} must be one of {', '.join(choices)}")
        return value

    return read


def _object(value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        raise FieldError(f"{path} must be an object")
    return value


def _text(value: Any, path: str) -> Any:
    if not isinstance(value, str):
        raise FieldError(f"{path} must be text")
    return value


def _integer(value: Any, path: str) -> Any:
    if type(value) is not int or not -_BIGGEST <= value < _BIGGEST:
        raise FieldError(f"{path} must be an integer")
    return value


def _number(value: Any, path: str) -> Any:
    if type(value) not in (int, float) or abs(value) > _BIGGEST:
        raise FieldError(f"{path} must be a number")
    return float(value)


def _flag(value: Any, path: str) -> Any:
    if type(value) is not bool:
        raise FieldError(f"{path} must be true or false")
    return value
