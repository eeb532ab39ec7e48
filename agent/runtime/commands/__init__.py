"""Commands on this machine: from `run` to release, over restarts of the daemon."""
