"""Replace `#{...}` in files of the package."""

from dataclasses import replace
from pathlib import Path

from agent.language import Evaluation, LanguageError
from agent.runtime.behaviours.configuration.targets import listed_files
from agent.runtime.behaviours.context import Context
from agent.runtime.behaviours.text_files import (
    decode,
    encode,
    is_binary,
    named_encoding,
    replace_content,
)
from agent.runtime.documents.common import MAX_CHARACTERS
from agent.runtime.runner.errors import StepFailed

_PREFIX = "Octopus.Action.SubstituteInFiles"


class SubstituteInFiles:
    """Evaluate the files that the step names, in place."""

    name = "Substitute variables in files"

    def enabled(self, context: Context) -> bool:
        switched_on = context.variables.flag(f"{_PREFIX}.Enabled")
        if not switched_on and not context.has_feature("SubstituteInFiles"):
            return False
        return bool(context.variables.get(f"{_PREFIX}.TargetFiles").strip())

    def run(self, context: Context) -> None:
        warn = context.variables.flag(f"{_PREFIX}.EnableNoMatchWarning", default=True)
        patterns = context.variables.lines(f"{_PREFIX}.TargetFiles")
        for target in listed_files(context, patterns, warn=warn):
            self._substitute(context, target.path, target.shown)

    def _substitute(self, context: Context, path: Path, shown: str) -> None:
        if path.stat().st_size > MAX_CHARACTERS:
            raise StepFailed(f"{shown} is larger than {MAX_CHARACTERS} bytes.")
        before = path.read_bytes()
        if is_binary(before):
            context.output.info(f"{shown} is not a text file and stays as it is")
            return
        context.output.info(f"Substituting variables in {shown}")
        file = decode(before)
        evaluation = self._evaluate(context, file.text, shown)
        if evaluation.errors:
            text = "; ".join(str(error) for error in evaluation.errors)
            context.output.verbose(f"{shown}: {text}")
            if context.variables.flag("OctopusShouldFailDeploymentOnSubstitutionFails"):
                raise StepFailed(f"Variables in {shown} could not be substituted: {text}")
        file = replace(file, text=evaluation.text)
        named = named_encoding(context.variables.get(f"{_PREFIX}.OutputEncoding"))
        if named is not None:
            file = replace(file, encoding=named[0], mark=named[1])
        after, fitted = encode(file)
        if not fitted:
            context.output.warning(
                f"{shown} is now stored as UTF-8: its text does not fit {file.encoding}"
            )
        if after != before:
            replace_content(path, after)

    def _evaluate(self, context: Context, text: str, shown: str) -> Evaluation:
        try:
            return context.variables.evaluate(text, halt_on_error=False)
        except LanguageError as error:
            raise StepFailed(f"Variables in {shown} could not be substituted: {error}") from error
