"""The whole life of one command, in a freshly forked, detached, single-threaded process."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.contracts.masking import Secrets
from agent.contracts.spool import SpoolWriter
from agent.language import LanguageError
from agent.runtime.behaviours.context import Context
from agent.runtime.behaviours.pipelines import (
    acquire,
    deploy_java_archive,
    deploy_nginx,
    deploy_package,
    deploy_systemd_service,
    run_script,
    transfer_package,
)
from agent.runtime.runner import posix, records
from agent.runtime.runner.command import Command, read_command, read_limits
from agent.runtime.runner.control import CANCELLED, DEADLINE, Control, Stopped
from agent.runtime.runner.errors import StepFailed
from agent.runtime.runner.keep import KeptFiles
from agent.runtime.runner.messages import Messages
from agent.runtime.runner.output import Output
from agent.runtime.runner.own_variables import add_own_variables, asked_for_values
from agent.runtime.runner.script import Scripts
from agent.runtime.variables import Variables

KINDS: dict[str, Callable[[Context], None]] = {
    "acquire": acquire,
    "script": run_script,
    "deploy_package": deploy_package,
    "deploy_java_archive": deploy_java_archive,
    "deploy_nginx": deploy_nginx,
    "deploy_systemd_service": deploy_systemd_service,
    "transfer_package": transfer_package,
}


def run_command(cmd_dir: Path, header: dict[str, Any], spec: dict[str, Any]) -> bool:
    """Run the command of `cmd_dir` and leave an `exit` file, whatever happens.

    Return without doing anything if another runner holds the lock or the command has been
    started before. Nothing but the spool, `exit` and the work itself is written. True says that
    the command ran in the usual way and this process may run another one.
    """
    lock = records.take_lock(cmd_dir)
    if lock is None:
        return False
    try:
        if not records.mark_started(cmd_dir, lock):
            return False
        ended, is_durable = _run(cmd_dir, header, spec, time.monotonic())
        records.write_exit(cmd_dir, ended, durably=not is_durable)
    finally:
        os.close(lock)
    return not ended.reason


def _run(
    cmd_dir: Path, header: dict[str, Any], spec: dict[str, Any], began: float
) -> tuple[records.Exit, bool]:
    """Return the end, and whether the spool has it already on the disk."""
    ended = records.Exit()
    secrets = Secrets()
    try:
        posix.adopt_orphans()
        limits = read_limits(header)
        control = Control(cmd_dir, limits.deadline_s, limits.grace_s)
        control.install()
        spool = SpoolWriter(cmd_dir / "out.spool")
    except Exception as error:  # noqa: BLE001 (whatever happens, `exit` must say so)
        ended.reason = f"error: {_describe(error)}"
        ended.message = "The command could not be started."
        return ended, False
    output = Output(spool, secrets, limits.spool_cap)
    try:
        command = read_command(cmd_dir, header, spec)
        _work(command, control, output, ended)
    except Exception as error:  # noqa: BLE001 (whatever happens, `exit` must say so)
        _internal_error(error, output, ended)
    is_durable = _close(spool, output, ended, began)
    control.close()
    return ended, is_durable


def _work(command: Command, control: Control, output: Output, ended: records.Exit) -> None:
    variables = Variables(command.variables)
    add_own_variables(variables, command)
    _learn_secrets(command, output)
    for line in command.warnings:
        output.notice(line)
    for line in asked_for_values(variables):
        output.verbose(line)
    command.work.mkdir(mode=0o700, exist_ok=True)
    messages = Messages(output, variables, command.output_key, KeptFiles(command.directory))
    scripts = Scripts(command, variables, output, control, messages)
    context = Context(command, variables, output, control, messages, scripts)
    try:
        control.check()
        kind = KINDS.get(command.kind)
        if kind is None:
            raise StepFailed(f"This agent does not know commands of the kind {command.kind}.")
        _run_kind(kind, context)
    except StepFailed as failure:
        ended.exit, ended.signal = failure.exit_code or 1, failure.signal
        ended.message = output.secrets.mask(failure.message)
        output.error(failure.message)
    except Stopped as stop:
        posix.kill_descendants()
        ended.exit, ended.signal, ended.reason = stop.exit_code, stop.signal, stop.reason
        ended.message = output.secrets.mask(_explain(stop.reason, control))
        output.error(ended.message)
    else:
        ended.exit = 0


def _run_kind(kind: Callable[[Context], None], context: Context) -> None:
    try:
        kind(context)
    except LanguageError as error:
        raise StepFailed(f"A value of the step could not be evaluated: {error}") from error


def _explain(reason: str, control: Control) -> str:
    if reason == DEADLINE:
        return "The time limit was reached; the work was stopped."
    if reason == CANCELLED and control.cancel_message:
        return f"Cancelled: {control.cancel_message}"
    return "Cancelled."


def _learn_secrets(command: Command, output: Output) -> None:
    short = [
        name
        for name, value, sensitive in command.variables
        if sensitive and not output.secrets.add(value)
    ]
    for text in command.mask:
        output.secrets.add(text)
    for name in short:
        output.notice(f"The value of the sensitive variable {name} is too short to be masked.")


def _internal_error(error: Exception, output: Output, ended: records.Exit) -> None:
    description = output.secrets.mask(_describe(error))
    ended.exit, ended.reason = -1, f"error: {description}"
    ended.message = "The agent failed to run this command."
    output.error(f"{ended.message} {description}")
    posix.kill_descendants()


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:2000]


def _close(spool: SpoolWriter, output: Output, ended: records.Exit, began: float) -> bool:
    output.finish()
    if output.lost_records and not ended.reason:
        ended.exit = ended.exit or -1
        ended.reason = f"error: {output.lost_records} records could not be stored"
    ended.bytes, ended.sha256, ended.omitted = spool.total, spool.sha256, output.omitted
    ended.duration_ms = round((time.monotonic() - began) * 1000)
    try:
        spool.end(ended.values())
    except OSError:
        return _sync(spool, ended)
    finally:
        spool.close()
    return True


def _sync(spool: SpoolWriter, ended: records.Exit) -> bool:
    """Force at least the output to the disk; the exit record goes its own way."""
    try:
        spool.sync()
    except OSError as error:
        ended.reason = ended.reason or f"error: {_describe(error)}"
    return False
