"""The features that steps with a package may switch on, each with its settings."""

from collections.abc import Mapping

from deployments.execution.steps.step_type import Property, PropertyKind
from deployments.execution.variables import Variables

_FEATURES = "Octopus.Features"
_ENABLED = "Octopus.Action.EnabledFeatures"
_PACKAGE = "Octopus.Action.Package"
_SCRIPTS = "Octopus.Action.CustomScripts"
_SUBSTITUTE = "Octopus.Action.SubstituteInFiles"
SCRIPTS = f"{_FEATURES}.CustomScripts"
SUBSTITUTE = f"{_FEATURES}.SubstituteInFiles"
TRANSFORMS = f"{_FEATURES}.ConfigurationTransforms"
SETTINGS = f"{_FEATURES}.ConfigurationVariables"
STRUCTURED = f"{_FEATURES}.JsonConfigurationVariables"
PACKAGE_ID = f"{_PACKAGE}.PackageId"


def package(words: str = "") -> Property:
    """Return the choice of the package that the step is about; `words` explain it."""
    return Property(PACKAGE_ID, "Package", PropertyKind.PACKAGE, help=words, required=True)


def lacks(variables: Variables, settings: Mapping[str, str] | None = None) -> str:
    """Return which setting is empty: the package, then those that are named with what they are."""
    for name, what in {PACKAGE_ID: "package", **(settings or {})}.items():
        if not variables.text(name).strip():
            return f"The step names no {what}."
    return ""


def switch_on_scripts(variables: Variables) -> None:
    """Switch on the step's own scripts when a client that knows no features has set some."""
    if _ENABLED.lower() in variables.values:
        return
    prefix = f"{_SCRIPTS}.".lower()
    if any(name.lower().startswith(prefix) and value.text.strip() for name, value in variables):
        variables.set(_ENABLED, SCRIPTS)


def custom_scripts() -> tuple[Property, ...]:
    """Return the scripts that the step itself holds for the stages of a deployment."""
    stages = (
        ("PreDeploy", "before files are configured"),
        ("Deploy", "once the files are in place"),
        ("PostDeploy", "at the end"),
        ("DeployFailed", "when something failed"),
    )
    return (
        Property(
            SCRIPTS,
            "Run scripts of this step",
            PropertyKind.FEATURE,
            section="Custom deployment scripts",
        ),
        *(
            Property(
                f"{_SCRIPTS}.{name}.sh",
                f"{name} script",
                PropertyKind.CODE,
                help=f"A bash script that runs {when}; a file {name}.sh in the package does too.",
                syntax="Bash",
                shown_when=(SCRIPTS, "True"),
                section="Custom deployment scripts",
            )
            for name, when in stages
        ),
    )


def configuration() -> tuple[Property, ...]:
    """Return what changes files of a package, in the order in which it happens."""
    return (*substitution(), *_transforms(), *_settings(), *structured_configuration())


def substitution() -> tuple[Property, ...]:
    """Return substitution in files."""
    section = "Substitute variables in files"
    return (
        Property(
            SUBSTITUTE,
            "Fill in #{Variables} in files",
            PropertyKind.FEATURE,
            section=section,
        ),
        Property(
            f"{_SUBSTITUTE}.TargetFiles",
            "Files",
            PropertyKind.LINES,
            help="One file or pattern on each line, such as config/*.json.",
            required=True,
            shown_when=(SUBSTITUTE, "True"),
            section=section,
        ),
        Property(
            f"{_SUBSTITUTE}.OutputEncoding",
            "Encoding to write",
            help="Such as utf-8 or utf-16; empty keeps the encoding of each file.",
            shown_when=(SUBSTITUTE, "True"),
            section=section,
        ),
    )


def _transforms() -> tuple[Property, ...]:
    section = ".NET configuration transforms"
    return (
        Property(TRANSFORMS, "Apply XML transforms", PropertyKind.FEATURE, section=section),
        Property(
            f"{_PACKAGE}.AutomaticallyRunConfigurationTransformationFiles",
            "Those named after Release, the environment and the tenant",
            PropertyKind.CHECKBOX,
            help="Web.Release.config, then Web.Production.config, then Web.Acme.config.",
            default="True",
            shown_when=(TRANSFORMS, "True"),
            section=section,
        ),
        Property(
            f"{_PACKAGE}.AdditionalXmlConfigurationTransforms",
            "Others, before those",
            PropertyKind.LINES,
            help="One on each line, such as *.Cloud.config => *.config.",
            shown_when=(TRANSFORMS, "True"),
            section=section,
        ),
        Property(
            f"{_PACKAGE}.TreatConfigTransformationWarningsAsErrors",
            "Warnings stop the deployment",
            PropertyKind.CHECKBOX,
            help="Such as a transform that finds nothing to change.",
            default="True",
            shown_when=(TRANSFORMS, "True"),
            section=section,
        ),
    )


def _settings() -> tuple[Property, ...]:
    section = ".NET configuration variables"
    return (
        Property(
            SETTINGS,
            "Replace appSettings, connectionStrings and applicationSettings",
            PropertyKind.FEATURE,
            help="In every .config file, wherever a setting has the name of a variable.",
            section=section,
        ),
    )


def structured_configuration() -> tuple[Property, ...]:
    """Return replacement by the structure of files."""
    section = "Structured configuration variables"
    return (
        Property(
            STRUCTURED,
            "Replace values in JSON, YAML, XML and properties files",
            PropertyKind.FEATURE,
            help="A variable replaces what its name leads to: Db:Host, Servers:0:Url, //db/@host.",
            section=section,
        ),
        Property(
            f"{_PACKAGE}.JsonConfigurationVariablesTargets",
            "Files with structure",
            PropertyKind.LINES,
            help="One file or pattern on each line, such as appsettings.json or **/*.yml.",
            required=True,
            shown_when=(STRUCTURED, "True"),
            section=section,
        ),
    )
