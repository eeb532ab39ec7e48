"""The `#{...}` language: substitution, conditions, loops and filters in texts of the project."""

from agent.language.culture import AMERICAN, INVARIANT, Culture
from agent.language.environment import Call, Environment, Filter
from agent.language.evaluator import Evaluation, evaluate, evaluate_all, evaluate_truthy
from agent.language.limits import (
    FilterError,
    LanguageError,
    LimitExceeded,
    Limits,
    RecursiveDefinition,
)
from agent.language.parser import is_template
from agent.language.rendering import is_truthy
from agent.language.variables import VariableSet

__all__ = [
    "AMERICAN",
    "INVARIANT",
    "Call",
    "Culture",
    "Environment",
    "Evaluation",
    "Filter",
    "FilterError",
    "LanguageError",
    "LimitExceeded",
    "Limits",
    "RecursiveDefinition",
    "VariableSet",
    "evaluate",
    "evaluate_all",
    "evaluate_truthy",
    "is_template",
    "is_truthy",
]
