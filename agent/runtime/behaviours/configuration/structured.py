"""Put variables into JSON, YAML, XML and properties files by their structure."""

from dataclasses import replace

from agent.runtime.behaviours.configuration.files import as_text, read_bytes, write_text
from agent.runtime.behaviours.configuration.targets import Target, listed_files
from agent.runtime.behaviours.configuration.values import EvaluatedValues
from agent.runtime.behaviours.context import Context
from agent.runtime.documents.common import BadValue, BrokenDocument, Outcome
from agent.runtime.documents.formats import formats_of
from agent.runtime.runner.errors import StepFailed

_TARGETS = "Octopus.Action.Package.JsonConfigurationVariablesTargets"
_ENABLED = "Octopus.Action.Package.JsonConfigurationVariablesEnabled"
_JSON_ONLY = "Octopus.Action.StructuredConfigurationFallbackFlag"


class StructuredConfiguration:
    """Replace the values whose place in a file has the name of a variable."""

    name = "Structured configuration variables"

    def enabled(self, context: Context) -> bool:
        switched_on = context.has_feature("JsonConfigurationVariables")
        switched_on = switched_on or context.variables.flag(_ENABLED)
        return switched_on and bool(context.variables.get(_TARGETS).strip())

    def run(self, context: Context) -> None:
        values = EvaluatedValues(context.variables)
        for target in listed_files(context, context.variables.lines(_TARGETS)):
            context.output.info(f"Structured variable replacement in {target.shown}")
            _replace_in(context, target, values)


def _replace_in(context: Context, target: Target, values: EvaluatedValues) -> None:
    json_only = context.variables.flag(_JSON_ONLY)
    formats = formats_of(target.path.suffix, json_only=json_only)
    failure: tuple[str, BrokenDocument] | None = None
    for name, put_in in formats.items():
        is_xml = name == "XML"
        try:
            before = read_bytes(target)
            file = as_text(before, is_xml=is_xml)
            outcome = put_in(file.text, values)
        except BrokenDocument as error:
            context.output.verbose(f"{target.shown} cannot be read as {name}: {error}")
            failure = (name, error)
        except BadValue as error:
            raise StepFailed(f"{target.shown} was not changed. {error}.") from error
        else:
            _report(context, outcome)
            write_text(context, target, replace(file, text=outcome.text), before, is_xml=is_xml)
            return
    if failure is not None:
        raise StepFailed(
            f"Structured variable replacement failed on file {target.shown}. "
            f"The file could not be parsed as {failure[0]}: {failure[1]}."
        ) from failure[1]


def _report(context: Context, outcome: Outcome) -> None:
    for name in outcome.replaced:
        context.output.verbose(
            f"Structure found matching the variable '{name}'. "
            "Replacing its content with the variable value."
        )
    for warning in outcome.warnings:
        context.output.warning(warning)
    if not outcome.replaced:
        context.output.info(
            "No structures have been found that match variable names, "
            "so no structured variable replacements have been applied."
        )
