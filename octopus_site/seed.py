"""What every server has after its first migration."""

import uuid

from django.db import transaction

from deployments.access.services import create_space
from deployments.access.services.seeding import seed_access
from deployments.base.actor import Actor
from deployments.base.following.consuming import ensure_cursors
from deployments.base.models import Space
from deployments.base.resealing.settings import MASTER_KEY_PROBE
from deployments.base.secrets import open_text, seal_text
from deployments.base.settings_rows import get_setting, set_setting

INSTALLATION_ID = "installation.id"
DEFAULT_SPACE = "Default"


def seed_server() -> None:
    """Create what is missing; running it again changes nothing."""
    with transaction.atomic():
        if get_setting(INSTALLATION_ID) is None:
            set_setting(INSTALLATION_ID, str(uuid.uuid4()))
        if get_setting(MASTER_KEY_PROBE) is None:
            set_setting(MASTER_KEY_PROBE, seal_text("probe", place=MASTER_KEY_PROBE))
        seed_access()
        if not Space.objects.exists():
            create_space(actor=Actor.system("migration"), name=DEFAULT_SPACE, is_default=True)
        ensure_cursors()


def require_same_master_key() -> None:
    """Raise SecretUnreadable when what is stored was sealed with another master key."""
    sealed = get_setting(MASTER_KEY_PROBE)
    if sealed is not None:
        open_text(sealed, place=MASTER_KEY_PROBE)
