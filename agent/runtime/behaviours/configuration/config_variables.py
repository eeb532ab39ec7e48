"""Put variables into the settings of .NET configuration files."""

from dataclasses import replace

from agent.runtime.behaviours.configuration.files import as_text, read_bytes, write_text
from agent.runtime.behaviours.configuration.targets import Target, files_ending
from agent.runtime.behaviours.configuration.transforms import APPLIED
from agent.runtime.behaviours.configuration.values import EvaluatedValues
from agent.runtime.behaviours.context import Context
from agent.runtime.documents.common import BrokenDocument
from agent.runtime.documents.config_editor import replace_in_config
from agent.runtime.runner.errors import StepFailed

_SWITCH = "Octopus.Action.Package.AutomaticallyUpdateAppSettingsAndConnectionStrings"
_IGNORE = "Octopus.Action.Package.IgnoreVariableReplacementErrors"


class ConfigurationVariables:
    """Replace settings by name in every `*.config` file that was not used as a transform."""

    name = ".NET configuration variables"

    def enabled(self, context: Context) -> bool:
        has_feature = context.has_feature("ConfigurationVariables")
        return has_feature and context.variables.flag(_SWITCH, default=True)

    def run(self, context: Context) -> None:
        values = EvaluatedValues(context.variables)
        used = set(context.variables.get(APPLIED).split("|"))
        for target in files_ending(context, {".config"}):
            if str(target.path) not in used:
                self._replace_in(context, target, values)

    def _replace_in(self, context: Context, target: Target, values: EvaluatedValues) -> None:
        try:
            before = read_bytes(target)
            file = as_text(before, is_xml=True)
            outcome = replace_in_config(file.text, values)
        except BrokenDocument as error:
            message = f"Settings in {target.shown} could not be replaced: {error}."
            if not context.variables.flag(_IGNORE):
                raise StepFailed(message) from error
            context.output.warning(message)
            return
        if outcome.replaced:
            names = ", ".join(outcome.replaced)
            context.output.info(f"Replaced settings in {target.shown}: {names}")
            for warning in outcome.warnings:
                context.output.warning(warning)
            write_text(context, target, replace(file, text=outcome.text), before, is_xml=True)
