"""The variables as the editors of documents see them."""

from collections.abc import Iterator, Mapping

from agent.language import LanguageError
from agent.runtime.runner.errors import StepFailed
from agent.runtime.variables import Variables


class EvaluatedValues(Mapping[str, str]):
    """Names in the order of the set; a value is evaluated when it is asked for.

    What cannot be resolved stays as source text. Raise StepFailed for a variable that goes round
    in circles or grows beyond all bounds.
    """

    def __init__(self, variables: Variables) -> None:
        self._variables = variables

    def __getitem__(self, name: str) -> str:
        try:
            return self._variables.text(name)
        except LanguageError as error:
            raise StepFailed(f"The variable {name} could not be evaluated: {error}") from error

    def __iter__(self) -> Iterator[str]:
        return (variable.name for variable in self._variables)

    def __len__(self) -> int:
        return len(self._variables)
