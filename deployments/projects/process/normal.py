"""Bringing a process into its normal form: ids and slugs given, primary packages mirrored."""

from collections.abc import Callable
from dataclasses import replace

from django.utils.text import slugify

from deployments.projects.process.shape import (
    CHILD_PROJECT,
    DEPLOY_RELEASE,
    PACKAGE_FEED_ID,
    PACKAGE_ID,
    PROJECT_FEED_ID,
    Action,
    PackageReference,
    Process,
)

NewId = Callable[[], str]


def normalized_process(process: Process, new_id: NewId) -> Process:
    """Return the process with every id and slug present and unique.

    A package step's primary package and its two properties are made to say the same.
    """
    ids: set[str] = set()
    slugs: set[str] = set()
    steps = []
    for step in process.steps:
        # A step and its only action share a slug, as they share a name.
        step_slug = _unique(slugify(step.slug or step.name) or "step", slugs)
        action_slugs: set[str] = set()
        actions = tuple(
            _action(action, new_id, ids, action_slugs, slugs) for action in step.actions
        )
        steps.append(replace(step, id=_id(step.id, ids, new_id), slug=step_slug, actions=actions))
        slugs |= action_slugs
    return Process(tuple(steps))


def _action(action: Action, new_id: NewId, ids: set[str], own: set[str], slugs: set[str]) -> Action:
    wanted = slugify(action.slug or action.name) or "action"
    slug = wanted if wanted not in own else _unique(wanted, own | slugs)
    own.add(slug)
    packages = _packages(action)
    properties = dict(action.properties)
    primary = next((package for package in packages if not package.name), None)
    if primary is not None:
        properties[PACKAGE_ID] = primary.package_id
        properties[PACKAGE_FEED_ID] = primary.feed_id
        if action.action_type == DEPLOY_RELEASE:
            properties[CHILD_PROJECT] = primary.package_id
    return replace(
        action,
        id=_id(action.id, ids, new_id),
        slug=slug,
        packages=tuple(replace(p, id=_id(p.id, ids, new_id)) for p in packages),
        properties=properties,
    )


def _packages(action: Action) -> tuple[PackageReference, ...]:
    if action.action_type == DEPLOY_RELEASE:
        return _child_project(action)
    package_id = action.text(PACKAGE_ID)
    if package_id and all(package.name for package in action.packages):
        primary = PackageReference(package_id=package_id, feed_id=action.text(PACKAGE_FEED_ID))
        return (primary, *action.packages)
    return action.packages


def _child_project(action: Action) -> tuple[PackageReference, ...]:
    """Return the reference by which a release chooses the release of the other project."""
    project = action.text(CHILD_PROJECT).strip()
    named = next((p for p in action.packages if not p.name), PackageReference())
    wanted = project or named.package_id
    if not wanted:
        return ()
    return (
        replace(
            named,
            package_id=wanted,
            feed_id=PROJECT_FEED_ID,
            acquisition_location="NotAcquired",
        ),
    )


def _id(current: str, taken: set[str], new_id: NewId) -> str:
    found = current if current and current not in taken else new_id()
    taken.add(found)
    return found


def _unique(wanted: str, taken: set[str]) -> str:
    slug, number = wanted, 1
    while slug in taken:
        number += 1
        slug = f"{wanted}-{number}"
    taken.add(slug)
    return slug
