"""What a server process keeps in memory from its start."""

import gc

from django.urls import get_resolver


def keep_what_is_loaded() -> None:
    """Load the code of all pages and take what is there out of the collection of garbage.

    Some hundred thousand objects of code and models live as long as the process. To look at them
    again and again stops a request for a tenth of a second each time.
    """
    _ = get_resolver().url_patterns  # imports the code behind every address
    gc.collect()
    gc.freeze()
