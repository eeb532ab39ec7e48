"""The supervisor's children: what ends is told with its reason and started again."""

import sys
import threading
import time
from pathlib import Path

from octopus_site.up.children import Child, Children

_SCRIPT = "import sys; print('begin', flush=True); sys.exit('No module named packaging')"


def test_a_child_that_ends_is_told_with_its_last_words(tmp_path: Path) -> None:
    told: list[str] = []
    children = Children(told.append)
    child = Child("worker", [sys.executable, "-c", _SCRIPT], tmp_path / "worker.log", {})
    children.start(child)
    threading.Thread(target=children.watch, daemon=True).start()
    limit = time.monotonic() + 60
    while len(told) < 2 and time.monotonic() < limit:
        time.sleep(0.05)
    children.stop()
    assert told[0].startswith("worker ended with code 1: No module named packaging; starting it")
    # The second end shows that it was started again.
    assert len(told) >= 2
