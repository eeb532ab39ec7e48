"""Let the sample's running deployment go on: `python -m tests.browser.go_on print|finish`."""

import os
import sys

import django


def main() -> None:
    """Print 700 more lines on its first target, or end it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "octopus_site.settings")
    django.setup()
    from tests.browser.samples.whole import running_scene, write_lines  # noqa: PLC0415 needs the apps

    scene = running_scene()
    if sys.argv[1] == "finish":
        scene.output(scene.runs()[0], "Finished", "after a look")
        scene.run_to_end()
        return
    execution = scene.runs()[0].execution
    write_lines(execution, [f"\x1b[32mcache\x1b[0m {number} of 700" for number in range(1, 701)])


if __name__ == "__main__":
    main()
