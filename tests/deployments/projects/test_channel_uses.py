"""A channel that something is limited to stays."""

import pytest

from deployments.base.errors import Invalid
from deployments.library.services import VariableInput
from deployments.projects.models import Channel
from deployments.projects.services.channels import delete_channel
from deployments.projects.services.projects import set_project_extra
from tests.factories import SYSTEM
from tests.factories.domain import (
    make_channel,
    make_process,
    make_project,
    make_release,
    make_variables,
    script_step,
)

pytestmark = pytest.mark.django_db


def fresh(channel: Channel) -> Channel:
    rows = Channel.objects.in_space(channel.space).select_related("project__variable_set__space")
    return rows.get(pk=channel.pk)


def test_a_channel_that_something_names_stays() -> None:
    project = make_project("Web")
    beta = make_channel(project, "Beta")
    make_process(project, script_step("Smoke test", Channels=[beta.public_id]))
    scope = {"Channel": [beta.public_id]}
    make_variables(project, VariableInput("Url", "x", scope=scope))
    with pytest.raises(Invalid, match="the step 'Smoke test', the variable 'Url'"):
        delete_channel(actor=SYSTEM, row=fresh(beta))
    make_process(project, script_step("Smoke test"))
    make_variables(project, VariableInput("Url", "x"))
    strategy = {"ChannelId": beta.public_id, "ReleaseCreationPackage": None}
    set_project_extra(actor=SYSTEM, row=project, extra={"ReleaseCreationStrategy": strategy})
    with pytest.raises(Invalid, match="automatic creation of releases"):
        delete_channel(actor=SYSTEM, row=fresh(beta))
    strategy = {"ChannelId": "", "ReleaseCreationPackage": None}
    set_project_extra(actor=SYSTEM, row=project, extra={"ReleaseCreationStrategy": strategy})
    delete_channel(actor=SYSTEM, row=fresh(beta))
    assert not Channel.objects.in_space(project.space).filter(pk=beta.pk).exists()


def test_a_channel_with_releases_stays() -> None:
    project = make_project("Web", steps=[script_step()])
    beta = make_channel(project, "Beta")
    make_release(project, channel=beta)
    with pytest.raises(Invalid, match="because it has releases"):
        delete_channel(actor=SYSTEM, row=fresh(beta))


def test_a_new_default_takes_the_flag_and_channels_stand_by_name() -> None:
    project = make_project("Web")
    make_channel(project, "Zulu", is_default=True)
    make_channel(project, "Alpha")
    rows = Channel.objects.in_space(project.space).filter(project=project)
    assert [(row.name, row.is_default) for row in rows] == [
        ("Alpha", False),
        ("Default", False),
        ("Zulu", True),
    ]
