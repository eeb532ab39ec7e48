"""The dataclasses of a deployment process; free of Django."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeGuard

# A text, or a secret: {"sealed": base64} as stored, {"HasValue", "NewValue"} as a client sends it.
PropertyValue: TypeAlias = str | Mapping[str, Any]
Properties: TypeAlias = Mapping[str, PropertyValue]

STEP_CONDITIONS: Final = ("Success", "Failure", "Always", "Variable")
ACTION_CONDITIONS: Final = ("Success", "Variable")
START_TRIGGERS: Final = ("StartAfterPrevious", "StartWithPrevious")
PACKAGE_REQUIREMENTS: Final = (
    "LetOctopusDecide",
    "BeforePackageAcquisition",
    "AfterPackageAcquisition",
)

# What the engine puts into plans itself.
RESERVED_TYPES: Final = ("Octopus.AcquirePackages",)
RESERVED_ID: Final = "acquire-packages"

TARGET_ROLES: Final = "Octopus.Action.TargetRoles"
MAX_PARALLELISM: Final = "Octopus.Action.MaxParallelism"
RESPONSIBLE_TEAMS: Final = "Octopus.Action.Manual.ResponsibleTeamIds"
STEP_EXPRESSION: Final = "Octopus.Step.ConditionVariableExpression"
PACKAGE_ID: Final = "Octopus.Action.Package.PackageId"
PACKAGE_FEED_ID: Final = "Octopus.Action.Package.FeedId"

# A step that deploys another project's release names it as if it were a package.
DEPLOY_RELEASE: Final = "Octopus.DeployRelease"
CHILD_PROJECT: Final = "Octopus.Action.DeployRelease.ProjectId"
PROJECT_FEED_ID: Final = "feeds-projects"


@dataclass(frozen=True, slots=True)
class PackageReference:
    """A package that an action uses; the primary one has an empty name.

    A `version` that is not empty is fixed; otherwise it is chosen when a release is created.
    """

    id: str = ""
    name: str = ""
    package_id: str = ""
    feed_id: str = ""
    acquisition_location: str = "Server"
    version: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_resolvable(self) -> bool:
        """Whether id and feed are known without any variable."""
        return "#{" not in self.package_id and "#{" not in self.feed_id

    @property
    def is_complete(self) -> bool:
        """Whether there is a package to choose; a deferred reference may be empty."""
        return bool(self.package_id)

    @property
    def is_acquired(self) -> bool:
        """Whether its bytes are brought to where the action runs."""
        return self.is_complete and self.acquisition_location != "NotAcquired"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a step does; `extra` keeps fields that this version does not know."""

    id: str = ""
    name: str = ""
    slug: str = ""
    action_type: str = ""
    notes: str = ""
    is_disabled: bool = False
    is_required: bool = False
    condition: str = "Success"
    worker_pool_id: str = ""
    worker_pool_variable: str = ""
    container: Mapping[str, Any] = field(default_factory=dict)
    environments: tuple[str, ...] = ()
    excluded_environments: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    tenant_tags: tuple[str, ...] = ()
    packages: tuple[PackageReference, ...] = ()
    git_dependencies: tuple[Mapping[str, Any], ...] = ()
    properties: Properties = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def can_version_the_project(self) -> bool:
        """Whether one of its packages may give a release its number."""
        return any(package.is_complete for package in self.packages)

    @property
    def must_run(self) -> bool:
        """Whether a deployment may not leave it out: it is required, or named teams decide."""
        return self.is_required or bool(self.text(RESPONSIBLE_TEAMS).strip())

    @property
    def runs_on_server(self) -> bool:
        """Whether it is meant for a worker and not for the target."""
        return self.text("Octopus.Action.RunOnServer").strip().lower() == "true"

    @property
    def brings_packages(self) -> bool:
        """Whether packages must be where it runs before it runs."""
        return any(package.is_acquired for package in self.packages)

    def text(self, name: str, default: str = "") -> str:
        """Return a plain property; a secret one counts as absent."""
        value = self.properties.get(name, default)
        return value if isinstance(value, str) else default

    def applies_to(
        self, *, environment: str | None, channel: str | None, is_tenanted: bool = False
    ) -> bool:
        """Whether it belongs in a plan for the environment and channel (public ids).

        One limited to tenant tags has no place in an untenanted deployment. A None asks for no
        filter in that dimension.
        """
        if self.is_disabled or (environment and self.tenant_tags and not is_tenanted):
            return False
        if channel is not None and self.channels and channel not in self.channels:
            return False
        if environment is None:
            return True
        if self.environments and environment not in self.environments:
            return False
        return environment not in self.excluded_environments


@dataclass(frozen=True, slots=True)
class Step:
    """One or more actions that share targets, run condition and start trigger."""

    id: str = ""
    name: str = ""
    slug: str = ""
    condition: str = "Success"
    start_trigger: str = "StartAfterPrevious"
    package_requirement: str = "LetOctopusDecide"
    properties: Properties = field(default_factory=dict)
    actions: tuple[Action, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def target_roles(self) -> tuple[str, ...]:
        """The target tags it runs on; a machine with any of them takes part."""
        return split_list(self.text(TARGET_ROLES))

    def text(self, name: str, default: str = "") -> str:
        """Return a plain property; a secret one counts as absent."""
        value = self.properties.get(name, default)
        return value if isinstance(value, str) else default


@dataclass(frozen=True, slots=True)
class Process:
    """The ordered steps of a project."""

    steps: tuple[Step, ...] = ()

    def actions(self) -> Iterator[tuple[Step, Action]]:
        """Yield every action with its step, in order."""
        for step in self.steps:
            for action in step.actions:
                yield step, action

    def action(self, action_id: str) -> Action | None:
        """Return the action with this id."""
        return next((action for _, action in self.actions() if action.id == action_id), None)


def is_sealed(value: object) -> TypeGuard[Mapping[str, str]]:
    """Whether a property is a stored secret."""
    return isinstance(value, Mapping) and isinstance(value.get("sealed"), str)


def split_list(text: str) -> tuple[str, ...]:
    """Split a comma list; blanks around and empty entries go."""
    return tuple(entry.strip() for entry in text.split(",") if entry.strip())
