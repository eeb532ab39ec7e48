"""Evaluate templates against a set of variables; values are templates too."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from agent.language.environment import DEFAULT_ENVIRONMENT, Environment
from agent.language.limits import Budget, LanguageError, LimitExceeded
from agent.language.parser import is_template, parse_continuing, parse_template
from agent.language.rendering import Rendering, is_truthy
from agent.language.variables import VariableSet
from agent.language.walking import Findings, Known


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A result: the text, and what could not be found, in its normal form.

    `error` says why the whole text came back unevaluated, `failure` what ended the evaluation.
    `is_null` means that the template asked for no value at all (`#{ | null}`); the text is empty
    then.
    """

    text: str
    missing: tuple[str, ...] = ()
    error: str | None = None
    is_null: bool = False
    failure: LanguageError | None = None

    @property
    def errors(self) -> tuple[str, ...]:
        """The error, and one for all that is missing."""
        errors = [self.error] if self.error is not None else []
        if self.missing:
            names = ", ".join(f"'{token}'" for token in self.missing)
            errors.append(f"The following tokens were unable to be evaluated: {names}")
        return tuple(errors)


def evaluate(
    template: str,
    variables: Mapping[str, str | None],
    *,
    halt_on_error: bool = True,
    environment: Environment = DEFAULT_ENVIRONMENT,
) -> Evaluation:
    """Evaluate a template.

    A template that cannot be read comes back unchanged with an error; without `halt_on_error` only
    the bad places come back unchanged, and silently. Raises LanguageError for a self reference, a
    filter that cannot work and a limit exceeded.
    """
    rendering = Rendering(VariableSet.of(variables), Budget(environment.limits), environment)
    return _evaluate(template, rendering, halt_on_error=halt_on_error)


def evaluate_truthy(
    expression: str,
    variables: Mapping[str, str | None],
    *,
    environment: Environment = DEFAULT_ENVIRONMENT,
) -> bool:
    """Whether the expression evaluates without error to something truthy. Raises LanguageError."""
    result = evaluate(expression, variables, environment=environment)
    return not result.errors and not result.is_null and is_truthy(result.text)


def evaluate_all(
    variables: Mapping[str, str | None],
    *,
    environment: Environment = DEFAULT_ENVIRONMENT,
    names: Iterable[str] | None = None,
    seconds: float | None = None,
) -> dict[str, Evaluation]:
    """Evaluate every variable, or those of the names; one that cannot be is kept as written.

    All at once, because they share what they refer to. Raises LimitExceeded when all of them
    together take longer than `seconds`; the last one may take as long again.
    """
    limits, ending = environment.limits, None
    if seconds is not None:
        ending = time.monotonic() + seconds
        limits = replace(limits, seconds=min(limits.seconds, seconds))
    compiled = VariableSet.of(variables)
    known: Known = {}
    results: dict[str, Evaluation] = {}
    for name in compiled if names is None else names:
        value = compiled[name]
        if value is None:
            results[name] = Evaluation("", is_null=True)
            continue
        if not is_template(value):
            results[name] = Evaluation(value)
            continue
        rendering = Rendering(compiled, Budget(limits), environment, known)
        try:
            results[name] = _evaluate(value, rendering, halt_on_error=True)
        except LanguageError as error:
            results[name] = Evaluation(value, error=str(error), failure=error)
        if ending is not None and time.monotonic() > ending:
            raise LimitExceeded(
                f"The values together take longer than {seconds:g} seconds; the last was {name}."
            )
    return results


def _evaluate(template: str, rendering: Rendering, *, halt_on_error: bool) -> Evaluation:
    if not is_template(template):
        return Evaluation(template)
    parsed = parse_template(template) if halt_on_error else parse_continuing(template)
    if parsed.error is not None:
        return Evaluation(template, error=parsed.error)
    findings = Findings()
    try:
        text = rendering.render(parsed.tokens, rendering.context, findings)
    except RecursionError as error:
        raise LimitExceeded("The template is nested too deeply.") from error
    if findings.null:
        return Evaluation("", tuple(findings.missing), is_null=True)
    return Evaluation(text, tuple(findings.missing))
