"""What names a channel by its id, so that it must stay: nothing would apply to the id of none."""

from collections.abc import Iterator

from deployments.base.errors import Invalid
from deployments.library.queries import variables_of
from deployments.projects.models import Channel, DeploymentProcess, ProjectTrigger
from deployments.projects.queries import read_process
from deployments.projects.settings import extra_document

_MOST_SHOWN = 5


def require_unnamed(channel: Channel) -> None:
    """Raise Invalid that names the steps, values and triggers that are limited to the channel."""
    uses = list(dict.fromkeys(_uses(channel)))
    if uses:
        more = f" and {len(uses) - _MOST_SHOWN} more" if len(uses) > _MOST_SHOWN else ""
        raise Invalid(
            f"The channel '{channel.name}' cannot be deleted because it is used by"
            f" {', '.join(uses[:_MOST_SHOWN])}{more}."
        )


def _uses(channel: Channel) -> Iterator[str]:
    project, wanted = channel.project, channel.public_id.lower()
    for process in DeploymentProcess.objects.in_space(channel.space).filter(project=project):
        for _, action in read_process(process).actions():
            if wanted in {text.lower() for text in action.channels}:
                yield f"the step '{action.name}'"
    if project.variable_set is not None:
        for row in variables_of(project.variable_set):
            if wanted in {text.lower() for text in row.scope.get("Channel", ())}:
                yield f"the variable '{row.name}'"
    for trigger in ProjectTrigger.objects.in_space(channel.space).filter(project=project):
        if str(trigger.action.get("ChannelId") or "").lower() == wanted:
            yield f"the trigger '{trigger.name}'"
    strategy = extra_document(project.extra)["ReleaseCreationStrategy"]
    if str(strategy.get("ChannelId") or "").lower() == wanted:
        yield "the automatic creation of releases"
