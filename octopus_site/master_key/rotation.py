"""`octopus-server rotate-master-key`: what the old key sealed is sealed with the new one."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from octopus_site.conf import (
    KEY_FILE,
    OLD_KEY_FILE,
    ConfigurationError,
    read_configuration,
    secret,
)
from octopus_site.master_key.files import exchange_key, is_being_exchanged
from octopus_site.memory import loading

Report = Callable[[str], None]

_HOW = (
    "no other key than the master key is known. Make a new key, set OCTOPUS_MASTER_KEY to it and"
    " OCTOPUS_OTHER_MASTER_KEYS to the old one on every node, start them again, then run this."
)


def rotate(*, only_count: bool, report: Report = print) -> int:
    """Change the key in the data folder, or go on from keys that are set; returns the exit code.

    A key in the data folder is exchanged here, while no server runs on it. Keys from the
    environment are exchanged by whoever sets them.
    """
    folder = Path(os.environ.get("OCTOPUS_DATA_DIR", "data")).absolute()
    is_in_folder = not secret(os.environ, "OCTOPUS_MASTER_KEY") and (folder / KEY_FILE).is_file()
    if is_in_folder and not only_count and not is_being_exchanged(folder):
        _exchange(folder)
    if not (only_count or read_configuration(os.environ).other_master_keys):
        raise ConfigurationError(_HOW)
    is_whole = _reseal(only_count=only_count, report=report)
    if only_count:
        return 0 if is_whole else 1
    if not is_whole or not _old_key_may_go(report):
        return 1
    if is_in_folder:
        (folder / OLD_KEY_FILE).unlink(missing_ok=True)
        report("The old key was removed. Keep a copy of the new one apart from the backups.")
    else:
        report("Take OCTOPUS_OTHER_MASTER_KEYS away on every node and start them again.")
    return 0


def _exchange(folder: Path) -> None:
    from octopus_site.up.preflight import prepare_data_folder  # noqa: PLC0415 needs Django's set-up

    lock = prepare_data_folder(folder)  # a server that runs would go on sealing with the old key
    try:
        exchange_key(folder)
    finally:
        os.close(lock)


def _reseal(*, only_count: bool, report: Report) -> bool:
    """Seal everything anew, then look again; returns whether every value reads and is done."""
    import django  # noqa: PLC0415 the keys come first

    with loading():
        django.setup()
    from deployments.base.actor import Actor  # noqa: PLC0415 needs the apps
    from deployments.base.services.resealing import Resealed, reseal  # noqa: PLC0415 as above
    from deployments.base.wake import stay_silent  # noqa: PLC0415 as above
    from octopus_site.seed import require_same_master_key  # noqa: PLC0415 as above

    stay_silent()
    require_same_master_key()
    actor = Actor.system("rotate-master-key")

    def tell(found: Sequence[Resealed]) -> None:
        for each in found:
            rest = f", UNREADABLE: {len(each.unreadable)}" if each.unreadable else ""
            report(f"{each.name:<44}{each.values:>8} values, {each.changed} of another key{rest}")

    found = reseal(actor=actor, only_count=only_count)
    tell(found)
    if only_count:
        return not any(each.changed or each.unreadable for each in found)
    again = reseal(actor=actor)
    if any(each.changed for each in again):
        report("Some node still seals with the old key. Start every node again, then run this.")
        return False
    if any(each.unreadable for each in again):
        report("Values that no known key opens have to be entered again; the old key stays.")
        return False
    return True


def _old_key_may_go(report: Report) -> bool:
    """Tell whether no agent is at work for a command that was made with the old key."""
    from deployments.execution.queries import count_unfinished_commands  # noqa: PLC0415 needs Django's set-up

    if count := count_unfinished_commands():
        report(
            f"All is sealed with the new key. {count} commands of agents may still answer with"
            " the old one: run this again when they have ended."
        )
    return not count
