"""The deployment process as pure data: shapes, JSON form, validation, sealing of secrets."""

from deployments.projects.process.features import (
    ENABLED_FEATURES,
    FEATURE_PREFIX,
    has_feature,
    set_features,
)
from deployments.projects.process.json_form import process_from_json, process_to_json
from deployments.projects.process.normal import normalized_process
from deployments.projects.process.sealing import (
    open_properties,
    property_place,
    resealed_process,
    seal_process,
    turned_steps,
)
from deployments.projects.process.shape import (
    Action,
    PackageReference,
    Process,
    Properties,
    PropertyValue,
    Step,
    is_sealed,
    split_list,
)
from deployments.projects.process.validation import unknown_action_types, validate_process

__all__ = [
    "ENABLED_FEATURES",
    "FEATURE_PREFIX",
    "Action",
    "PackageReference",
    "Process",
    "Properties",
    "PropertyValue",
    "Step",
    "has_feature",
    "is_sealed",
    "normalized_process",
    "open_properties",
    "process_from_json",
    "process_to_json",
    "property_place",
    "resealed_process",
    "seal_process",
    "set_features",
    "split_list",
    "turned_steps",
    "unknown_action_types",
    "validate_process",
]
