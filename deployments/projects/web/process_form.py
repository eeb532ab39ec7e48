"""The form of one step: what it shows, and the step that a sent form means."""

from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict

from deployments.base.errors import Invalid
from deployments.projects.process import (
    Action,
    PackageReference,
    Process,
    Step,
    has_feature,
    is_sealed,
    set_features,
    split_list,
)
from deployments.projects.process.editing import step_of
from deployments.projects.process.shape import (
    MAX_PARALLELISM,
    PACKAGE_FEED_ID,
    PACKAGE_ID,
    STEP_EXPRESSION,
    TARGET_ROLES,
)
from deployments.projects.step_catalogue import Setting, StepKind, missing_settings

PREFIX = "prop:"
_SUMMARY = 60
BUILT_IN = "feeds-builtin"


@dataclass(frozen=True)
class SettingField:
    """One setting with its value, as the form draws it."""

    setting: Setting
    value: str
    values: tuple[str, ...] = ()
    has_secret: bool = False

    @property
    def input_name(self) -> str:
        return f"{PREFIX}{self.setting.name}"

    @property
    def is_checked(self) -> bool:
        return self.value.lower() == "true"

    @property
    def rule_name(self) -> str:
        return f"{PREFIX}{self.setting.shown_when[0]}" if self.setting.shown_when else ""

    @property
    def rule_value(self) -> str:
        return self.setting.shown_when[1] if self.setting.shown_when else ""


@dataclass(frozen=True)
class Fold:
    """Settings under one heading; `summary` says what is set when it is closed."""

    title: str
    fields: tuple[SettingField, ...]

    @property
    def summary(self) -> str:
        switch = next((f for f in self.fields if f.setting.kind == "feature"), None)
        if switch is not None:
            if not switch.is_checked:
                return "Not used"
            texts = (f.value for f in self.fields if f.setting.kind == "lines")
            lines = [line for text in texts for line in text.splitlines() if line.strip()]
            return f"On: {', '.join(lines)}"[:_SUMMARY] if lines else "On"
        used = [f.setting.label for f in self.fields if f.value and f.value.lower() != "false"]
        return ", ".join(used) or "Not used"


@dataclass
class StepForm:
    """The state of the form: a step and its action, stored or as sent."""

    step: Step
    action: Action
    kind: StepKind | None
    is_new: bool = False
    main: tuple[SettingField, ...] = ()
    folds: tuple[Fold, ...] = ()
    environment_rule: str = "all"
    environments: tuple[str, ...] = ()

    @property
    def runs_on_targets(self) -> bool:
        return self.kind is None or self.kind.on_targets

    @property
    def feed_id(self) -> str:
        """Return where the step's own package comes from."""
        own = next((each for each in self.action.packages if not each.name), None)
        return (own.feed_id if own else "") or BUILT_IN

    @property
    def expression(self) -> str:
        return self.step.text(STEP_EXPRESSION)

    @property
    def window(self) -> str:
        return self.step.text(MAX_PARALLELISM)


def new_form(kind: StepKind) -> StepForm:
    """Return the empty form of a kind of step."""
    properties = {s.name: s.default for s in kind.properties if s.default}
    action = Action(name=kind.name, action_type=kind.action_type, properties=properties)
    return form_of(Step(name=kind.name), action, kind, is_new=True)


def form_of(step: Step, action: Action, kind: StepKind | None, *, is_new: bool = False) -> StepForm:
    """Return the form filled with a step."""
    fields = [_field(setting, action) for setting in (kind.properties if kind else ())]
    titles = dict.fromkeys(field.setting.section for field in fields if field.setting.section)
    folds = [
        Fold(title, tuple(field for field in fields if field.setting.section == title))
        for title in titles
    ]
    rule = "only" if action.environments else "except" if action.excluded_environments else "all"
    return StepForm(
        step=step,
        action=action,
        kind=kind,
        is_new=is_new,
        main=tuple(field for field in fields if not field.setting.section),
        folds=tuple(folds),
        environment_rule=rule,
        environments=action.environments or action.excluded_environments,
    )


def sent_step(
    sent: QueryDict, process: Process, kind: StepKind | None, action_id: str
) -> tuple[Step, Action]:
    """Return the step and action that the form means; what it does not show stays."""
    step = step_of(process, action_id) or Step()
    action = process.action(action_id) or Action(action_type=kind.action_type if kind else "")
    name = sent.get("name", "").strip()
    chosen = tuple(sent.getlist("environments"))
    rule = sent.get("environment_rule", "all")
    properties = _properties(sent, action, kind)
    action = replace(
        action,
        name=name,
        notes=sent.get("notes", ""),
        is_required=sent.get("is_required") == "on",
        environments=chosen if rule == "only" else (),
        excluded_environments=chosen if rule == "except" else (),
        channels=tuple(sent.getlist("channels")),
        tenant_tags=tuple(sent.getlist("tenant_tags")),
        worker_pool_id=sent.get("worker_pool", action.worker_pool_id),
        properties=properties,
        packages=_packages(action, properties, kind, sent.get("feed", "").strip()),
    )
    only = len(step.actions) <= 1
    step = replace(
        step,
        name=name if only else step.name,
        condition=sent.get("condition", step.condition),
        start_trigger=sent.get("start_trigger", step.start_trigger),
        properties=_step_properties(sent, step),
    )
    return step, action


def require_complete(step: Step, action: Action, kind: StepKind | None) -> None:
    """Raise Invalid, naming each field that must be filled."""
    missing: dict[str, list[str]] = {}
    if not action.name:
        missing["name"] = ["Name is required."]
    if kind is not None:
        for setting in missing_settings(kind, action.properties):
            missing[f"{PREFIX}{setting.name}"] = [f"{setting.label} is required."]
        on_targets = kind.on_targets and not action.runs_on_server
        if on_targets and not step.target_roles:
            missing["roles"] = ["Name the target tags of the machines that it runs on."]
    if missing:
        raise Invalid(fields=missing)


def _field(setting: Setting, action: Action) -> SettingField:
    if setting.kind == "feature":
        return SettingField(setting, str(has_feature(action.properties, setting.name)))
    stored = action.properties.get(setting.name)
    text = stored if isinstance(stored, str) else ""
    if setting.name == PACKAGE_ID and not text:
        text = next((p.package_id for p in action.packages if not p.name), "")
    values = tuple(part.strip() for part in text.split(",") if part.strip())
    if not text and setting.kind in {"select", "checkbox"}:
        text = setting.default
    return SettingField(setting, text, values, has_secret=is_sealed(stored))


def _properties(sent: QueryDict, action: Action, kind: StepKind | None) -> dict[str, Any]:
    properties: dict[str, Any] = dict(action.properties)
    settings = kind.properties if kind else ()
    features = [setting.name for setting in settings if setting.kind == "feature"]
    chosen = [feature for feature in features if sent.get(f"{PREFIX}{feature}")]
    for setting in settings:
        name = f"{PREFIX}{setting.name}"
        rule = setting.shown_when[0] if setting.shown_when else ""
        is_off = rule in features and rule not in chosen
        if setting.kind == "feature" or (is_off and setting.kind == "checkbox"):
            properties.pop(setting.name, None)
            continue
        if setting.kind == "checkbox":
            properties[setting.name] = "True" if sent.get(name) else "False"
        elif setting.kind == "teams":
            properties[setting.name] = ",".join(sent.getlist(name))
        elif setting.kind == "secret":
            if sent.get(name):
                properties[setting.name] = {"NewValue": sent[name]}
            elif is_sealed(action.properties.get(setting.name)):
                properties[setting.name] = {"HasValue": True}
        else:
            properties[setting.name] = sent.get(name, "").replace("\r\n", "\n")
        if properties.get(setting.name) == "" and not setting.required:
            del properties[setting.name]
    if features:
        set_features(properties, features, chosen)
    return _with_kept_secrets(properties)


def _with_kept_secrets(properties: dict[str, Any]) -> dict[str, Any]:
    """Secrets that the form does not show stay as they are."""
    return {
        name: {"HasValue": True} if is_sealed(value) else value
        for name, value in properties.items()
    }


def _packages(
    action: Action, properties: dict[str, Any], kind: StepKind | None, feed_id: str
) -> tuple[PackageReference, ...]:
    """Return the packages with the primary one as sent; an empty feed id leaves its feed."""
    if kind is None or all(setting.kind != "package" for setting in kind.properties):
        return action.packages
    others = tuple(package for package in action.packages if package.name)
    primary = next((p for p in action.packages if not p.name), PackageReference(feed_id=BUILT_IN))
    package_id = str(properties.get(PACKAGE_ID, "")).strip()
    if not package_id:
        properties.pop(PACKAGE_FEED_ID, None)
        return others
    primary = replace(
        primary, package_id=package_id, feed_id=feed_id or primary.feed_id or BUILT_IN
    )
    properties[PACKAGE_FEED_ID] = primary.feed_id
    return (primary, *others)


def _step_properties(sent: QueryDict, step: Step) -> dict[str, Any]:
    properties = _with_kept_secrets(dict(step.properties))
    for name, value in (
        (TARGET_ROLES, ",".join(split_list(sent.get("roles", "")))),
        (MAX_PARALLELISM, sent.get("window", "").strip()),
        (STEP_EXPRESSION, sent.get("expression", "").strip()),
    ):
        if value:
            properties[name] = value
        else:
            properties.pop(name, None)
    return properties
