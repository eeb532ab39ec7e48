"""Whether package steps leave alone what is installed already: step, project, deployment."""

import pytest

from deployments.execution.services.plan_deployment import skips_installed
from deployments.projects.services.projects import update_settings
from deployments.releases.models import Deployment
from tests.factories import SYSTEM, default_space, make_ana
from tests.factories.domain import make_deployment, make_package, package_step, script_step
from tests.factories.execution import Scene, make_scene
from tests.support.portal import Visitor

SKIPS = "Octopus.Action.Package.SkipIfAlreadyInstalled"


@pytest.mark.parametrize(
    ("own", "by_default", "is_forced", "says"),
    [
        ("", False, False, "False"),
        ("", True, False, "True"),
        ("False", True, False, "True"),
        ("True", False, False, "True"),
        ("#{Skips}", False, False, "#{Skips}"),
        ("#{Skips}", True, False, "#{Skips}"),
        ("True", True, True, "False"),
        ("#{Skips}", False, True, "False"),
        ("", True, True, "False"),
    ],
)
def test_who_decides(own: str, by_default: bool, is_forced: bool, says: str) -> None:
    assert skips_installed(own, by_default=by_default, is_forced=is_forced) == says


def told(scene: Scene) -> list[str | None]:
    """Return what agents are told of each step, one after the other."""
    found = []
    for _ in range(5):
        runs = scene.runs()
        for run in runs:
            spec = scene.variables(run)
            if spec.get("Octopus.Action.Name"):
                found.append(spec.get(SKIPS))
        scene.accept(*runs)
        scene.start(*runs)
        scene.finish(*runs)
        scene.advance()
    return found


@pytest.mark.django_db
def test_the_project_says_so_and_a_deployment_may_force_it() -> None:
    make_package("Acme.Web", "1.0.0")
    scene = make_scene(
        package_step("Acme.Web", roles="web"), script_step("Check", roles="web"), begin=False
    )
    release = scene.deployment.release
    update_settings(
        actor=SYSTEM, row=release.project, settings={"DefaultToSkipIfAlreadyInstalled": True}
    )
    scene.begin()
    assert told(scene) == ["True", None]

    environment = {"environment": scene.environment.public_id, "force_install": "1"}
    path = f"projects/{release.project.slug}/releases/{release.version}/deploy"
    assert Visitor(make_ana()).post(path, environment).status_code == 302
    forced = Deployment.objects.in_space(default_space()).order_by("-pk")[0]
    again = Scene(forced, scene.environment, scene.machines, scene.clock)
    again.begin()
    assert told(again) == ["False", None]
    assert (
        make_deployment(release, scene.environment).options["force_package_redeployment"] is False
    )
