"""Apply XML document transforms to the configuration files of a package."""

from dataclasses import replace
from pathlib import Path

from agent.runtime.behaviours.configuration.files import as_text, read_bytes, write_text
from agent.runtime.behaviours.configuration.targets import Target, files_ending
from agent.runtime.behaviours.configuration.transform_names import (
    Definition,
    bad_definition,
    parse_definitions,
    transforms_for,
)
from agent.runtime.behaviours.context import Context
from agent.runtime.documents.common import BrokenDocument
from agent.runtime.documents.xdt.engine import Result, transform_xml
from agent.runtime.documents.xdt.syntax import BadTransform
from agent.runtime.runner.errors import StepFailed

_PREFIX = "Octopus.Action.Package"
_AUTOMATIC = f"{_PREFIX}.AutomaticallyRunConfigurationTransformationFiles"
_ADDITIONAL = f"{_PREFIX}.AdditionalXmlConfigurationTransforms"
_IGNORE_ERRORS = f"{_PREFIX}.IgnoreConfigTransformationErrors"
_STRICT = f"{_PREFIX}.TreatConfigTransformationWarningsAsErrors"
_QUIET = f"{_PREFIX}.SuppressConfigTransformationLogging"
# The transform files that were used, separated by `|`.
APPLIED = "OctopusAppliedXmlConfigTransforms"


class ConfigurationTransforms:
    """Run the listed transforms, then those named after Release, environment and tenant."""

    name = ".NET configuration transforms"

    def enabled(self, context: Context) -> bool:
        return context.has_feature("ConfigurationTransforms")

    def run(self, context: Context) -> None:
        definitions = _definitions(context)
        used: list[str] = []
        done: set[tuple[Path, Path]] = set()
        extensions = {definition.extension for definition in definitions}
        for target in files_ending(context, extensions):
            for definition in definitions:
                for transform in transforms_for(target.path, definition):
                    if (transform, target.path) not in done:
                        done.add((transform, target.path))
                        context.control.check()
                        _apply(context, target, transform)
                        used.append(str(transform))
        if used:
            context.variables.set(APPLIED, "|".join(dict.fromkeys(used)))
        else:
            context.output.info("No transform files were found")


def _definitions(context: Context) -> list[Definition]:
    """Return the explicit definitions, then the automatic ones."""
    variables = context.variables
    found: list[Definition] = []
    for definition in parse_definitions(variables.text(_ADDITIONAL)):
        if reason := bad_definition(definition):
            shown = f"{definition.transform} => {definition.target}"
            raise StepFailed(f"The transform {shown} cannot be used: {reason}.")
        found.append(definition)
    if variables.flag(_AUTOMATIC, default=True):
        names = ["Release", variables.text("Octopus.Environment.Name").strip()]
        names.append(variables.text("Octopus.Deployment.Tenant.Name").strip())
        found += [Definition(name) for name in names if name and "/" not in name]
    return found


def _apply(context: Context, target: Target, transform: Path) -> None:
    variables = context.variables
    ignore = variables.flag(_IGNORE_ERRORS)
    context.output.info(f"Transforming {target.shown} using {transform.name}")
    try:
        before = read_bytes(target)
        file = as_text(before, is_xml=True)
        instructions = as_text(read_bytes(Target(transform, transform.name)), is_xml=True)
        result = transform_xml(file.text, instructions.text)
    except (BrokenDocument, BadTransform) as error:
        message = f"{transform.name} could not be applied to {target.shown}: {error}."
        if not ignore:
            raise StepFailed(message) from error
        context.output.warning(message)
        return
    _report(context, result, transform, ignore=ignore)
    write_text(context, target, replace(file, text=result.text), before, is_xml=True)


def _report(context: Context, result: Result, transform: Path, *, ignore: bool) -> None:
    if not context.variables.flag(_QUIET):
        for line in result.done:
            context.output.verbose(line)
    for warning in result.warnings:
        say = context.output.info if ignore else context.output.warning
        say(f"{transform.name}: {warning}")
    if result.warnings and not ignore and context.variables.flag(_STRICT, default=True):
        raise StepFailed(
            f"{transform.name} was applied with warnings, which count as errors: "
            f"{result.warnings[0]}."
        )
    if not result.has_root:
        context.output.error(f"After {transform.name} the file has no root element")
