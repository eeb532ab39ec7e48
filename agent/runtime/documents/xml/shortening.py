"""Shorten paths where that cannot change what they find."""

from collections.abc import Iterator, Sequence

from agent.runtime.documents.xml.xpath_tree import Expression, Step

_ARITHMETIC = {"+", "-", "*", "div", "mod", "idiv"}
_NUMERIC = {"count", "number", "sum", "string-length", "floor", "round", "ceiling"}


def fused(steps: Sequence[Step]) -> Iterator[Step]:
    """Turn `//name` into one step where no predicate counts places: one look at each node."""
    waiting: Step | None = None
    for step in steps:
        if waiting is not None:
            if step.axis == "child" and not any(_counts(each) for each in step.predicates):
                yield Step("descendant", step.test, step.predicates, step.target)
                waiting = None
                continue
            yield waiting
            waiting = None
        if (step.axis, step.test, step.predicates) == ("descendant-or-self", "node()", ()):
            waiting = step
        else:
            yield step
    if waiting is not None:
        yield waiting


def _counts(predicate: Expression) -> bool:
    """Tell whether a predicate may depend on the place of a node among the others."""
    if predicate.kind in {"number", "negative"}:
        return True
    if predicate.kind == "binary" and predicate.text in _ARITHMETIC:
        return True
    if predicate.kind == "call" and predicate.text in _NUMERIC:
        return True
    return any(
        part.kind == "call" and part.text in {"position", "last"} for part in _all(predicate)
    )


def _all(expression: Expression) -> Iterator[Expression]:
    yield expression
    for part in expression.parts:
        yield from _all(part)
