"""What may be chosen when a deployment is created."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PassedVariable:
    """A value that the deployment of another project hands over; it overrules all others."""

    name: str
    text: str
    is_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Trigger:
    """The trigger behind a deployment; `is_for_targets` when it brings targets up to date."""

    id: str
    name: str
    is_for_targets: bool = False


@dataclass(frozen=True, slots=True)
class DeploymentOptions:
    """The choices. `skip_actions` are action ids, machines public ids, tags target tags.

    A target with a tag counts like one that is named. `form_values` answer prompts by variable
    name or id. `use_guided_failure` None takes the project's, then the environment's default.
    `not_before` and `expires` bound the start.
    `parent_task` is the task of the deployment that waits for this one. `trigger` is what made it.
    `freeze_reason` overrides the freezes that hold it, of those with `freeze_names` when some are
    named.
    """

    comments: str = ""
    skip_actions: tuple[str, ...] = ()
    specific_machines: tuple[str, ...] = ()
    excluded_machines: tuple[str, ...] = ()
    specific_tags: tuple[str, ...] = ()
    excluded_tags: tuple[str, ...] = ()
    force_package_download: bool | None = None
    force_package_redeployment: bool = False
    use_guided_failure: bool | None = None
    form_values: Mapping[str, str] = field(default_factory=dict)
    not_before: datetime | None = None
    expires: datetime | None = None
    priority: str = "LifecycleDefault"
    passed_variables: tuple[PassedVariable, ...] = ()
    parent_task: str = ""
    trigger: Trigger | None = None
    freeze_reason: str = ""
    freeze_names: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every step is deployed to every target."""
        return not (
            self.skip_actions
            or self.specific_machines
            or self.excluded_machines
            or self.specific_tags
            or self.excluded_tags
        )
