"""The `tentacle` program. Heavy modules are loaded by the command that needs them.

Exit codes: 0 done, 1 refused or failed (one line on standard error says why), 2 wrong usage,
3 not running (`status`, `service status`).
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from agent.runtime import config
from agent.runtime.config import ConfigError
from agent.version import VERSION

NOT_RUNNING = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    home = config.home_of(options.instance, options.home)
    try:
        code: int = options.work(options, home)
    except ConfigError as problem:
        return _fail(str(problem))
    except PermissionError as problem:
        return _fail(f"No permission for {problem.filename}. Run this as its owner.")
    except OSError as problem:
        # A disk that is full, broken or read-only; what names no file is an error of ours.
        if problem.filename is None:
            raise
        return _fail(f"{problem.filename}: {problem.strerror}.")
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tentacle", description="The agent of an Octopus server.")
    parser.add_argument("--version", action="version", version=f"tentacle {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="command")
    _register_options(_command(commands, "register", "register with a server", _register))
    run = _command(commands, "run", "serve until stopped", _run)
    run.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    status = _command(commands, "status", "show the registration and whether it runs", _status)
    status.add_argument("--json", action="store_true", help="print JSON")
    _command(commands, "deregister", "remove this machine from the server", _deregister)
    service = commands.add_parser("service", help="run as a service of the system")
    actions = service.add_subparsers(required=True, metavar="action")
    install = _command(actions, "install", "install and start the systemd unit", _service_install)
    install.add_argument("--print", action="store_true", help="only print the unit")
    install.add_argument("--user", default="", help="system user of the service (default: root)")
    for name, text in (
        ("start", "start the service"),
        ("stop", "stop the service; scripts that run go on"),
        ("status", "show whether the service runs"),
        ("uninstall", "stop the service and remove it; the registration stays"),
    ):
        _command(actions, name, text, _service).set_defaults(action=name)
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    text: str,
    work: object,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text.capitalize() + ".")
    parser.add_argument("--instance", default=config.DEFAULT_INSTANCE, help="name of the instance")
    parser.add_argument("--home", help="state folder, instead of the usual one of the instance")
    parser.set_defaults(work=work)
    return parser


def _register_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--server", required=True, help="address of the server, https://...")
    add("--apiKey", help="API key; better in TENTACLE_API_KEY or TENTACLE_API_KEY_FILE")
    add("--token", help="registration token; better in TENTACLE_TOKEN or TENTACLE_TOKEN_FILE")
    add("--name", help="name of the machine (default: host name)")
    add("--space", help="space, by name or id (default: the default space)")
    add("--environment", action="append", default=[], help="environment (repeat)")
    add("--role", action="append", default=[], help="role (repeat)")
    add("--tenant", action="append", default=[], help="tenant (repeat)")
    add("--tenanttag", action="append", default=[], help="tenant tag, Set/Tag (repeat)")
    add("--policy", help="machine policy")
    add("--force", action="store_true", help="take over an existing machine of this name")
    add("--worker", action="store_true", help="register as a worker, not as a target")
    add("--workerpool", action="append", default=[], help="worker pool (repeat)")
    add("--server-thumbprint", help="SHA-256 of the server's certificate, instead of the CAs")
    add("--ca-file", help="certificates of the CAs to trust, instead of the system's")
    add("--allow-plain", action="store_true", help="allow http and ws to other machines")


def _register(options: argparse.Namespace, home: Path) -> int:
    from agent.runtime.http import Endpoint, HttpError  # noqa: PLC0415
    from agent.runtime.register import Request, register  # noqa: PLC0415
    from agent.runtime.tls import PlainRefused  # noqa: PLC0415

    api_key = options.apiKey or _secret("TENTACLE_API_KEY")
    token = options.token or _secret("TENTACLE_TOKEN")
    if not api_key and not token:
        return _fail("Give --apiKey or --token, or set TENTACLE_API_KEY or TENTACLE_TOKEN.")
    if options.worker and (options.environment or options.role):
        return _fail("A worker has worker pools (--workerpool), not environments and roles.")
    endpoint = Endpoint(
        url=options.server.rstrip("/"),
        pin=options.server_thumbprint,
        ca_file=options.ca_file,
        allow_plain=options.allow_plain,
    )
    request = Request(
        server=endpoint,
        api_key=api_key,
        token=token,
        name=options.name or "",
        space=options.space,
        environments=tuple(options.environment),
        roles=tuple(options.role),
        tenants=tuple(options.tenant),
        tenant_tags=tuple(options.tenanttag),
        policy=options.policy,
        force=options.force,
        is_worker=options.worker,
        worker_pools=tuple(options.workerpool),
    )
    if (home / "config.json").exists() and not options.force:
        return _fail(f"{home} is registered already. Use --force to register it again.")
    try:
        settled = register(home, request)
    except (HttpError, PlainRefused) as problem:
        return _fail(f"Not registered: {problem}")
    except KeyError as problem:
        return _fail(f"Not registered: the server's answer has no {problem}.")
    print(f"Registered as {settled.name} ({settled.machine_id}). Start it with 'tentacle run'.")
    return 0


def _run(options: argparse.Namespace, home: Path) -> int:
    settled, credential = config.load(home)
    from agent.runtime import platform  # noqa: PLC0415 other commands start faster

    platform.write_no_memory_to_disk()
    from agent.runtime.upgrade import program  # noqa: PLC0415 the same
    from agent.runtime.upgrade.seat import TrialSeat  # noqa: PLC0415 the same

    seat = TrialSeat.take()
    if seat is None:
        program.start_current(home)
    from agent.runtime.spawner import fork_spawner  # noqa: PLC0415

    # Forked while this process is small and has neither threads nor an event loop.
    spawner = fork_spawner()
    from agent.runtime import log  # noqa: PLC0415
    from agent.runtime.daemon import run_daemon  # noqa: PLC0415
    from agent.runtime.tls import PlainRefused  # noqa: PLC0415

    log.configure(options.log_level)
    try:
        upgrade = run_daemon(home, settled, credential, spawner, seat)
    except PlainRefused as problem:
        return _fail(str(problem))
    if upgrade is not None:
        from agent.runtime.upgrade.trial import try_out  # noqa: PLC0415 the same

        try_out(home, *upgrade)
    return 0


def _status(options: argparse.Namespace, home: Path) -> int:
    from agent.runtime.status import status_of  # noqa: PLC0415

    found = status_of(home)
    if options.json:
        import json  # noqa: PLC0415

        print(json.dumps(found, indent=2))
    else:
        print("\n".join(f"{name}: {value}" for name, value in found.items()))
    return 0 if found["running"] else NOT_RUNNING


def _deregister(_options: argparse.Namespace, home: Path) -> int:
    from agent.runtime.http import HttpError  # noqa: PLC0415
    from agent.runtime.register import deregister  # noqa: PLC0415
    from agent.runtime.tls import PlainRefused  # noqa: PLC0415

    try:
        deregister(home)
    except (HttpError, PlainRefused) as problem:
        return _fail(f"Not deregistered: {problem}")
    print("Deregistered.")
    return 0


def _service_install(options: argparse.Namespace, home: Path) -> int:
    from agent.runtime.service import ServiceError, install, unit_text  # noqa: PLC0415

    if options.print:
        print(unit_text(home, options.instance, options.user), end="")
        return 0
    config.load(home)
    try:
        print(install(home, options.instance, options.user))
    except ServiceError as problem:
        return _fail(str(problem))
    return 0


def _service(options: argparse.Namespace, _home: Path) -> int:
    from agent.runtime import service  # noqa: PLC0415 other commands start faster

    try:
        if options.action == "status":
            text, runs = service.state(options.instance)
            print(text)
            return 0 if runs else NOT_RUNNING
        if options.action == "uninstall":
            print(service.uninstall(options.instance))
        else:
            print(service.control(options.action, options.instance))
    except service.ServiceError as problem:
        return _fail(str(problem))
    return 0


def _secret(name: str) -> str | None:
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text().strip() or None
        except OSError as problem:
            raise ConfigError(f"{name}_FILE cannot be read: {problem.strerror}") from problem
    return os.environ.get(name) or None


def _fail(text: str) -> int:
    print(text, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
