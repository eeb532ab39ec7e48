"""The checks behind `octopus-server check` and the server's health page."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from deployments.base.redis import command_client
from octopus_site.seed import require_same_master_key
from packages_feed.storage import package_storage


@dataclass(frozen=True)
class CheckResult:
    """One check's outcome, in words."""

    name: str
    ok: bool
    detail: str


def run_checks() -> Iterator[CheckResult]:
    """Run every check; each catches its own failure."""
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("database", _database),
        ("migrations", _migrations),
        ("master key", _master_key),
        ("redis", _redis),
        ("storage", _storage),
    )
    for name, check in checks:
        try:
            yield CheckResult(name, True, check())
        except Exception as error:  # noqa: BLE001 the report is the handling
            yield CheckResult(
                name, False, str(error).splitlines()[0] if str(error) else repr(error)
            )


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return connection.vendor


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        raise RuntimeError(f"{len(plan)} migrations are missing; run `octopus-server migrate`.")
    return "up to date"


def _master_key() -> str:
    require_same_master_key()
    return "the one that secrets are sealed with"


def _redis() -> str:
    version = command_client().info("server")["redis_version"]
    return f"version {version}"


def _storage() -> str:
    package_storage().size("0" * 64)
    return str(settings.OCTOPUS.storage_url).partition("?")[0]
