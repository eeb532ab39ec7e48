"""Pages name only the environments that their reader may see."""

import pytest

from deployments.projects.services.lifecycles import PhaseInput
from tests.factories import default_space, make_ana
from tests.factories.automation import make_trigger
from tests.factories.domain import make_environment, make_lifecycle, make_machine, make_project
from tests.factories.people import as_person, give_role, make_user
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
CRON = {"FilterType": "CronExpressionSchedule", "CronExpression": "0 6 * * Mon-Fri"}


def test_what_one_does_not_see_has_no_name() -> None:
    staging, vault = make_environment("Staging"), make_environment("Vault")
    lifecycle = make_lifecycle(PhaseInput("All", manual=[staging, vault]))
    project = make_project("Web", lifecycle=lifecycle)
    machine = make_machine(staging, vault, name="web-01")
    action = {"ActionType": "DeployNewRelease", "EnvironmentId": vault.public_id}
    trigger = make_trigger(project, CRON, action)
    user = make_user()
    for role in ("userroles-projectlead", "userroles-environmentmanager"):
        give_role(user, role, default_space(), {"environment": [staging.public_id]})
    keeper, ana = Visitor(as_person(user)), Visitor(make_ana())
    triggers = f"projects/{project.slug}/triggers"
    for path in (
        "projects/lifecycles",
        triggers,
        f"{triggers}/{trigger.public_id}",
        "infrastructure/targets",
        f"infrastructure/targets/{machine.public_id}",
    ):
        assert "Vault" in text_of(ana.get(path)), path
        answer = keeper.get(path)
        assert answer.status_code == 200, path
        assert "Vault" not in text_of(answer), path
