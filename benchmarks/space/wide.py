"""A release with many steps for many targets, for its plan."""

from typing import Any

STEPS, TARGETS, PROJECT = 50, 200, "Wide"


def add_wide(environment: Any, lifecycle: Any) -> Any:
    """Make targets with agents in the environment and a release that goes to all of them."""
    from tests.factories.domain import (  # noqa: PLC0415 after Django's set-up
        make_machine,
        make_project,
        make_release,
        script_step,
    )
    from tests.factories.execution import make_agent  # noqa: PLC0415 after Django's set-up

    for number in range(TARGETS):
        make_agent(make_machine(environment, name=f"web-{number:03}"))
    steps = [script_step(f"Step {number}", roles="web") for number in range(STEPS)]
    return make_release(make_project(PROJECT, lifecycle=lifecycle, steps=steps), "1.0.0")
