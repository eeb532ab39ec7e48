"""What a server process keeps from its start."""

import gc

import pytest

from octopus_site.memory import load_pages, loading


def test_what_is_loaded_is_left_out_of_collections() -> None:
    gc.unfreeze()
    try:
        with loading():
            assert not gc.isenabled()
            load_pages()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 100_000
        assert len(gc.get_objects()) < gc.get_freeze_count() / 100
    finally:
        gc.freeze()


def test_collections_begin_again_after_a_failure() -> None:
    with pytest.raises(ImportError), loading():
        raise ImportError
    assert gc.isenabled()
