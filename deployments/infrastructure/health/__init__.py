"""Health of targets and workers: what policies ask for, and what checks have found; pure."""
