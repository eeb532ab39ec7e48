"""Fill the data folder of the environment: `python -m tests.browser.fill`."""

import os

import django
from django.core.management import call_command
from django.db import transaction


def main() -> None:
    """Migrate the database and make the sample."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "octopus_site.settings")
    django.setup()
    from deployments.access.services.first_administrator import (  # noqa: PLC0415 needs the apps
        create_first_administrator,
    )
    from tests.browser.samples.whole import fill  # noqa: PLC0415 the same

    call_command("migrate", verbosity=0)
    create_first_administrator(os.environ)
    with transaction.atomic():  # instead of some thousand commits
        fill()


if __name__ == "__main__":
    main()
