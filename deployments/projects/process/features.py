"""The features of an action, such as substitution in files, as its properties list them."""

from collections.abc import Collection, Mapping, MutableMapping
from typing import Any

FEATURE_PREFIX = "Octopus.Features."
ENABLED_FEATURES = "Octopus.Action.EnabledFeatures"
# Settings by which older clients switch a feature on.
_FLAGS = {
    "Octopus.Features.SubstituteInFiles": "Octopus.Action.SubstituteInFiles.Enabled",
    "Octopus.Features.JsonConfigurationVariables": (
        "Octopus.Action.Package.JsonConfigurationVariablesEnabled"
    ),
}
_SCRIPTS = "Octopus.Features.CustomScripts"
_SCRIPT_PREFIX = "Octopus.Action.CustomScripts."


def listed_features(properties: Mapping[str, Any]) -> list[str]:
    """Return the names in the list of features, as they stand there."""
    text = properties.get(ENABLED_FEATURES)
    parts = text.split(",") if isinstance(text, str) else []
    return [part.strip() for part in parts if part.strip()]


def has_feature(properties: Mapping[str, Any], name: str) -> bool:
    """Tell whether a feature is on: listed, or switched on as clients without a list do it."""
    if name.lower() in (each.lower() for each in listed_features(properties)):
        return True
    if name in _FLAGS and str(properties.get(_FLAGS[name])).lower() == "true":
        return True
    if name == _SCRIPTS and ENABLED_FEATURES not in properties:
        return any(
            key.startswith(_SCRIPT_PREFIX) and isinstance(value, str) and bool(value.strip())
            for key, value in properties.items()
        )
    return False


def set_features(
    properties: MutableMapping[str, Any], offered: Collection[str], chosen: Collection[str]
) -> None:
    """List the chosen ones; what is listed and not offered stays, older switches go."""
    known = {name.lower() for name in offered}
    kept = [name for name in listed_features(properties) if name.lower() not in known]
    properties[ENABLED_FEATURES] = ",".join([*kept, *(name for name in offered if name in chosen)])
    for name in offered:
        properties.pop(_FLAGS.get(name, ""), None)
