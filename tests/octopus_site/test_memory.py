"""What a server process keeps from its start."""

import gc

from octopus_site.memory import keep_what_is_loaded


def test_what_is_loaded_is_left_out_of_collections() -> None:
    gc.unfreeze()
    try:
        keep_what_is_loaded()
        assert gc.get_freeze_count() > 100_000
        assert len(gc.get_objects()) < gc.get_freeze_count() / 100
    finally:
        gc.unfreeze()
