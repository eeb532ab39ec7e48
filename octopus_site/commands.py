"""The commands of `octopus-server`: one function each, imports inside so that each starts fast."""

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import Any

Option = tuple[tuple[str, ...], dict[str, Any]]


def up(_: argparse.Namespace) -> int:
    from octopus_site.up.supervisor import run_server  # noqa: PLC0415 needs Django's set-up

    return run_server()


def web(arguments: argparse.Namespace) -> int:
    import uvicorn  # noqa: PLC0415 needs Django's set-up

    from octopus_site import conf  # noqa: PLC0415 needs Django's set-up

    configuration = conf.read_configuration(os.environ)
    uvicorn.run(
        "octopus_site.asgi:application",
        host=arguments.host,
        port=configuration.web_port,
        workers=arguments.workers or configuration.web_processes,
        http="octopus_site.http:ReasonPhraseProtocol",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=os.environ.get("OCTOPUS_TRUSTED_PROXIES", "127.0.0.1"),
        timeout_graceful_shutdown=5,
        # A process that does not answer for so long is replaced; a busy machine is no reason.
        timeout_worker_healthcheck=30,
        # Longer than proxies and clients keep an idle connection, so that none of them sends
        # its next request into one that is just being closed.
        timeout_keep_alive=120,
    )
    return 0


def gateway(arguments: argparse.Namespace) -> int:
    _setup_django()
    from octopus_site.memory import loading  # noqa: PLC0415 as above

    with loading():
        from deployments.gateway.main import run  # noqa: PLC0415 needs Django's set-up
        from octopus_site.pooling import pool_connections  # noqa: PLC0415 needs the settings

    pool_connections()
    return run(host=arguments.host)


def worker(arguments: argparse.Namespace) -> int:
    _setup_django()
    from octopus_site.celery import app  # noqa: PLC0415 needs Django's set-up

    app.worker_main(
        [
            "worker",
            f"--concurrency={arguments.processes}",
            "--loglevel=WARNING",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ]
    )


def beat(_: argparse.Namespace) -> int:
    _setup_django()
    from octopus_site.celery import app  # noqa: PLC0415 needs Django's set-up

    app.start(["beat", "--loglevel=WARNING", "--scheduler=octopus_site.beat:MemoryScheduler"])


def migrate(_: argparse.Namespace) -> int:
    _setup_django()
    from django.core.management import call_command  # noqa: PLC0415 needs Django's set-up

    from deployments.access.services.first_administrator import (  # noqa: PLC0415 needs Django's set-up
        create_first_administrator,
        link_lines,
    )
    from deployments.base.wake import stay_silent  # noqa: PLC0415 needs Django's set-up
    from octopus_site.seed import require_same_master_key  # noqa: PLC0415 needs Django's set-up

    stay_silent()
    call_command("migrate", verbosity=0)
    require_same_master_key()
    for line in create_first_administrator(os.environ) or link_lines():
        print(line)
    return 0


def create_admin(arguments: argparse.Namespace) -> int:
    _setup_django()
    from deployments.access.services.first_administrator import (  # noqa: PLC0415 needs Django's set-up
        create_administrator,
    )
    from deployments.base.wake import stay_silent  # noqa: PLC0415 needs Django's set-up
    from octopus_site.conf import secret  # noqa: PLC0415 needs Django's set-up

    stay_silent()
    password = secret(os.environ, "ADMIN_PASSWORD") or _asked_password()
    user = create_administrator(
        username=arguments.username, password=password, email=arguments.email
    )
    print(f"{user.username} is an administrator.")
    return 0


def check(_: argparse.Namespace) -> int:
    _setup_django()
    from octopus_site.health import run_checks  # noqa: PLC0415 needs Django's set-up

    failures = 0
    for result in run_checks():
        print(f"{'ok' if result.ok else 'FAILED':<8}{result.name:<12}{result.detail}")
        failures += not result.ok
    return 1 if failures else 0


def rotate_master_key(arguments: argparse.Namespace) -> int:
    from octopus_site.master_key.rotation import rotate  # noqa: PLC0415 needs Django's set-up

    return rotate(only_count=arguments.check)


def verify_audit(_: argparse.Namespace) -> int:
    _setup_django()
    from deployments.audit.archives.store import ArchiveUnavailable  # noqa: PLC0415 needs Django's set-up
    from deployments.audit.services.keeping import check_archive, words_of  # noqa: PLC0415 needs Django's set-up

    try:
        verdict = check_archive()
    except (ArchiveUnavailable, OSError) as error:
        print(f"Not checked: {error}", file=sys.stderr)
        return 1
    print(words_of(verdict))
    return 0 if verdict.is_intact else 1


def backup(arguments: argparse.Namespace) -> int:
    _setup_django()
    from deployments.base.wake import stay_silent  # noqa: PLC0415 needs Django's set-up
    from octopus_site.backup.whole import back_up  # noqa: PLC0415 needs Django's set-up

    stay_silent()
    return back_up(Path(arguments.path), with_files=arguments.with_files)


def restore(arguments: argparse.Namespace) -> int:
    _setup_django()
    from deployments.base.wake import stay_silent  # noqa: PLC0415 needs Django's set-up
    from octopus_site.backup.whole import Choices, restore_backup  # noqa: PLC0415 needs Django's set-up

    stay_silent()
    choices = Choices(
        force=arguments.force,
        skip_hashes=arguments.skip_hashes,
        without_missing_files=arguments.without_missing_files,
        maintenance=arguments.maintenance,
    )
    return restore_backup(Path(arguments.path), choices)


def packages_verify(arguments: argparse.Namespace) -> int:
    _setup_django()
    from octopus_site.packages.commands import verify  # noqa: PLC0415 needs Django's set-up

    return verify(arguments)


def packages_move(arguments: argparse.Namespace) -> int:
    _setup_django()
    from octopus_site.packages.commands import move  # noqa: PLC0415 needs Django's set-up

    return move(arguments)


def packages_reindex(arguments: argparse.Namespace) -> int:
    _setup_django()
    from octopus_site.packages.commands import reindex  # noqa: PLC0415 needs Django's set-up

    return reindex(arguments)


def _asked_password() -> str:
    if not sys.stdin.isatty():
        raise SystemExit("octopus-server: set ADMIN_PASSWORD, or run this in a terminal.")
    return getpass.getpass("Password: ")


def _setup_django() -> None:
    import django  # noqa: PLC0415 needs Django's set-up

    from octopus_site.memory import loading  # noqa: PLC0415 Python's version is checked first

    with loading():
        django.setup()


def _switch(name: str, text: str) -> Option:
    return (name,), {"action": "store_true", "help": text}


_HOST: Option = (("--host",), {"default": "0.0.0.0", "help": "address to listen on"})  # noqa: S104

GROUPS = {"packages": "Look after the stored files of packages, artifacts and logs."}

TABLE: list[tuple[str, str, Any, list[Option]]] = [
    ("up", "Run a whole trial server on this machine.", up, []),
    (
        "web",
        "Serve the portal, the REST API and the package feed.",
        web,
        [
            _HOST,
            (("--workers",), {"type": int, "help": "processes instead of OCTOPUS_WEB_PROCESSES"}),
        ],
    ),
    ("gateway", "Serve the agents.", gateway, [_HOST]),
    (
        "worker",
        "Advance deployments.",
        worker,
        [(("--processes",), {"type": int, "default": 2, "help": "processes"})],
    ),
    ("beat", "Sweep and start what is due, every two seconds.", beat, []),
    (
        "migrate",
        "Bring the database up to date and create the first administrator, or print a link for it.",
        migrate,
        [],
    ),
    (
        "create-admin",
        "Create an administrator; the password comes from ADMIN_PASSWORD or is asked for.",
        create_admin,
        [
            (("--username",), {"required": True, "help": "name to sign in with"}),
            (("--email",), {"default": "", "help": "address"}),
        ],
    ),
    (
        "rotate-master-key",
        "Change the master key, or seal what an old one sealed with the new one.",
        rotate_master_key,
        [_switch("--check", "only count what an old key sealed")],
    ),
    ("check", "Check database, Redis, storage and migrations; exit 1 on failure.", check, []),
    (
        "verify-audit",
        "Read the archive of events; exit 1 when something in it was altered or is missing.",
        verify_audit,
        [],
    ),
    (
        "backup",
        "Write a backup of this server, which may be running, into a file.",
        backup,
        [
            (("path",), {"help": "the file to write; it must not exist"}),
            _switch("--with-files", "copy packages, artifacts and logs, not only their hashes"),
        ],
    ),
    (
        "restore",
        "Restore a backup into an empty server; its master key must be set.",
        restore,
        [
            (("path",), {"help": "the file of a backup"}),
            _switch("--force", "delete all that is in the database first"),
            _switch("--maintenance", "let the server start in maintenance mode"),
            _switch("--skip-hashes", "believe files in the storage that have the right size"),
            _switch("--without-missing-files", "restore although files are not in the storage"),
        ],
    ),
    (
        "packages verify",
        "Read all stored files and compare them with their hashes; exit 1 for problems.",
        packages_verify,
        [
            _switch("--anew", "begin at the first file although a run was broken off"),
            _switch("--remove-orphans", "delete files that nothing names"),
            _switch("--remove-damaged", "delete damaged files, so that they can be pushed again"),
        ],
    ),
    (
        "packages move",
        "Copy all stored files to another storage, while the server runs.",
        packages_move,
        [(("--to",), {"required": True, "metavar": "URL", "help": "address of the storage"})],
    ),
    (
        "packages reindex",
        "Correct what the database says of packages by reading them; exit 1 for problems.",
        packages_reindex,
        [
            (
                ("--adopt",),
                {
                    "metavar": "SPACE",
                    "help": "add NuGet packages that no space has to this one (Spaces-1, default)",
                },
            ),
        ],
    ),
]
