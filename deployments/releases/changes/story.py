"""What a deployment means for the place it goes to, as pages tell it."""

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.base import public_ids
from deployments.base.actor import Actor
from deployments.releases.changes.queries import changes_between, changes_of
from deployments.releases.changes.rolling import Mode
from deployments.releases.changes.template import may_read, written_changes
from deployments.releases.models import Deployment, Release


@dataclass(frozen=True, slots=True)
class Story:
    """Releases newest first. `text` is what the project's template wrote, empty without one."""

    mode: str
    replaced: str
    brings: Sequence[Release]
    takes_back: Sequence[Release]
    text: str

    def __bool__(self) -> bool:
        return bool(self.brings or self.takes_back or self.text)


def story_of(deployment: Deployment, viewer: Actor) -> Story | None:
    """Return what a deployment, stored or not, brings; None for one older than this record."""
    options = deployment.options
    if "mode" not in options:
        return None
    replaced = options.get("replaces") or {}
    takes_back: list[Release] = []
    if options["mode"] == Mode.ROLLBACK:
        number = public_ids.parse(Release.id_prefix, str(replaced.get("id", "")))
        rows = Release.objects.visible_to(viewer, deployment.space, "ReleaseView")
        before = rows.filter(pk=number or 0).first()
        if before is not None:
            before.space = deployment.space
            takes_back = changes_between(before, deployment.release.version, viewer=viewer)
    written = options if deployment.task_id else written_changes(deployment)
    text = str(written.get("changes_markdown", ""))
    return Story(
        mode=str(options["mode"]),
        replaced=str(replaced.get("version", "")),
        brings=changes_of(deployment, viewer=viewer)[::-1],
        takes_back=takes_back[::-1],
        text=text if text and may_read(deployment, viewer) else "",
    )
