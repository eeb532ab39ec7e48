"""What names an action from outside its process follows when the action gets another name."""

from collections.abc import Mapping
from typing import Any

from deployments.projects.models import Project, ProjectTrigger
from deployments.projects.process import Process
from deployments.projects.queries import channels_of


def renamed_actions(old: Process, new: Process) -> dict[str, str]:
    """Return the new names of actions by their old ones in lower case; the same by id."""
    before = {action.id: action.name for _, action in old.actions() if action.id}
    return {
        before[action.id].lower(): action.name
        for _, action in new.actions()
        if action.id in before and before[action.id] != action.name
    }


def follow_renames(project: Project, names: Mapping[str, str]) -> None:
    """Write the new names into version rules, triggers and what gives releases their number."""
    for channel in channels_of(project):
        rules = [_with_new_names(rule, "ActionPackages", names) for rule in channel.rules]
        if rules != channel.rules:
            channel.rules = rules
            channel.save(update_fields=["rules"])
    for trigger in ProjectTrigger.objects.in_space(project.space).filter(project=project):
        document = _with_new_names(trigger.filter, "Packages", names)
        if document != trigger.filter:
            trigger.filter = document
            trigger.save(update_fields=["filter"])
    strategy = project.settings.get("VersioningStrategy") or {}
    donor = strategy.get("DonorPackage")
    if donor and _renamed(donor, names) != donor:
        renamed = {**strategy, "DonorPackage": _renamed(donor, names)}
        project.settings = {**project.settings, "VersioningStrategy": renamed}
        project.save(update_fields=["settings"])


def _with_new_names(
    document: Mapping[str, Any], key: str, names: Mapping[str, str]
) -> dict[str, Any]:
    """Return the document with the new names in its list of packages, if it has one."""
    packages = document.get(key)
    if not packages:
        return dict(document)
    return {**document, key: [_renamed(package, names) for package in packages]}


def _renamed(package: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    name = str(package.get("DeploymentAction") or "")
    return {**package, "DeploymentAction": names.get(name.lower(), name)}
