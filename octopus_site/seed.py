"""What every server has after its first migration."""


def seed_server() -> None:
    """Create what is missing; running it again changes nothing."""
