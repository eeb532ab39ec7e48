"""Run scripts of the user: bash, Python, PowerShell."""

import contextlib
import os
import pkgutil
import pwd
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.runtime.runner import posix
from agent.runtime.runner.command import Command
from agent.runtime.runner.control import Control, Stopped
from agent.runtime.runner.errors import StepFailed
from agent.runtime.runner.memory_files import memory_file
from agent.runtime.runner.messages import Messages
from agent.runtime.runner.modules import modules_beside
from agent.runtime.runner.output import Output
from agent.runtime.runner.process import PIPE_GRACE_S, Ended, Process
from agent.runtime.variables import Variables

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KEPT = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
)


def _resource(name: str) -> bytes:
    data = pkgutil.get_data("agent.runtime.scripts", name)
    if data is None:
        raise FileNotFoundError(name)
    return data


def _installed(name: str) -> Path | None:
    """Return the file beside this code; None where the agent is one zipped file."""
    path = Path(__file__).parents[1] / "scripts" / name
    return path if path.is_file() else None


def _bash_argv(bootstrap: str, descriptor: int, script: str, parameters: str) -> list[str]:
    words = _split(parameters)
    return ["bash", "--noprofile", "--norc", bootstrap, str(descriptor), script, *words]


def _python_argv(bootstrap: str, descriptor: int, script: str, parameters: str) -> list[str]:
    program = "python3" if shutil.which("python3") else sys.executable
    return [program, "-u", bootstrap, str(descriptor), script, *_split(parameters)]


def _powershell_argv(bootstrap: str, descriptor: int, script: str, parameters: str) -> list[str]:
    return [
        "pwsh",
        "-NoLogo",
        "-NoProfile",
        "-NonInteractive",
        "-File",
        bootstrap,
        str(descriptor),
        script,
        parameters,
    ]


def _split(parameters: str) -> list[str]:
    try:
        return shlex.split(parameters)
    except ValueError as error:
        raise StepFailed(f"The script parameters cannot be read: {error}.") from error


@dataclass(frozen=True, slots=True)
class Syntax:
    """How scripts of one language are run."""

    name: str
    extension: str
    bootstrap: bytes
    installed: Path | None
    argv: Callable[[str, int, str, str], list[str]]


def _syntax(name: str, extension: str, argv: Callable[[str, int, str, str], list[str]]) -> Syntax:
    file = f"bootstrap{extension}"
    return Syntax(name, extension, _resource(file), _installed(file), argv)


BASH = _syntax("Bash", ".sh", _bash_argv)
PYTHON = _syntax("Python", ".py", _python_argv)
POWERSHELL = _syntax("PowerShell", ".ps1", _powershell_argv)
SYNTAXES = {syntax.name.lower(): syntax for syntax in (BASH, PYTHON, POWERSHELL)}
EXTENSIONS = {syntax.extension: syntax for syntax in SYNTAXES.values()}


def find_syntax(name: str) -> Syntax:
    """Return a syntax by name (Bash when empty); raise StepFailed for an unknown one."""
    syntax = SYNTAXES.get(name.strip().lower() or "bash")
    if syntax is None:
        raise StepFailed(f"Scripts in {name} are not supported on this machine.")
    return syntax


def syntax_of_file(path: Path) -> Syntax:
    """Return the syntax of a script file; raise StepFailed for an unknown extension."""
    syntax = EXTENSIONS.get(path.suffix.lower())
    if syntax is None:
        raise StepFailed(f"Scripts such as {path.name} are not supported on this machine.")
    return syntax


class Scripts:
    """Run one script after the other for a command."""

    def __init__(
        self,
        command: Command,
        variables: Variables,
        output: Output,
        control: Control,
        messages: Messages,
    ) -> None:
        self._command = command
        self._variables = variables
        self._output = output
        self._control = control
        self._messages = messages

    def run_body(
        self, syntax: Syntax, body: str, directory: Path, *, name: str, parameters: str = ""
    ) -> None:
        """Run an inline script, as a private file that is removed afterwards.

        One that holds a secret lies in memory, where the system can do that. Raise StepFailed if it
        fails, Stopped if it was stopped.
        """
        data = _clean(syntax, body.encode("utf-8", "surrogateescape"))
        path = _unused(self._command.work / f"{name}{syntax.extension}")
        if posix.HAS_MEMORY_FILES and self._variables.has_secret_in(body):
            with memory_file(path, data) as descriptor:
                self._run(syntax, path, directory, parameters, descriptor)
            return
        try:
            _write_private(path, data, mode=0o700)
            self._run(syntax, path, directory, parameters)
        finally:
            path.unlink(missing_ok=True)

    def run_file(self, path: Path, directory: Path, *, parameters: str = "") -> None:
        """Run a script that lies on the disk; raise as `run_body` does."""
        syntax = syntax_of_file(path)
        data = path.read_bytes()
        if _clean(syntax, data) != data:
            path.write_bytes(_clean(syntax, data))
        self._run(syntax, path, directory, parameters)

    def _run(
        self,
        syntax: Syntax,
        path: Path,
        directory: Path,
        parameters: str,
        *needed: int,
    ) -> None:
        """Run the script, which is given the descriptors `needed` besides."""
        self._control.check()
        bootstrap = syntax.installed or self._written_bootstrap(syntax)
        descriptor = posix.secret_descriptor(self._variable_bytes())
        errors_before = self._output.error_bytes
        self._messages.directory = directory
        self._messages.result = ""
        try:
            argv = syntax.argv(str(bootstrap), descriptor, str(path), parameters)
            process = Process(self._control, self._messages.feed)
            # Python looks for modules beside the script, others where they run.
            beside = path.parent if syntax is PYTHON else directory
            with modules_beside(beside, self._variables, syntax.name, self._output) as modules:
                ended = process.run(
                    argv,
                    directory=directory,
                    environment=self._environment(),
                    descriptors=(descriptor, *needed, *modules),
                )
        except FileNotFoundError as error:
            raise StepFailed(
                f"This machine cannot run {syntax.name} scripts: {error.filename} was not found."
            ) from error
        finally:
            os.close(descriptor)
            if bootstrap is not syntax.installed:
                bootstrap.unlink(missing_ok=True)
            self._messages.end_of_script()
        self._judge(ended, wrote_errors=self._output.error_bytes > errors_before)

    def _written_bootstrap(self, syntax: Syntax) -> Path:
        path = self._command.directory / f"bootstrap{syntax.extension}"
        _write_private(path, syntax.bootstrap, mode=0o600)
        return path

    def _judge(self, ended: Ended, *, wrote_errors: bool) -> None:
        if ended.left_open:
            self._output.notice(
                "A process that the script left in the background still holds its output open; "
                f"what it prints from {PIPE_GRACE_S} s after the end of the script is lost."
            )
        if ended.stopped:
            raise Stopped(self._control.reason(), ended.exit_code, ended.signal)
        result = self._messages.result
        if ended.signal is not None:
            text = result or f"The script was ended by signal {ended.signal}."
            raise StepFailed(text, ended.exit_code, ended.signal)
        if ended.exit_code != 0:
            text = result or f"The script ended with exit code {ended.exit_code}."
            raise StepFailed(text, ended.exit_code)
        if wrote_errors and self._variables.flag("Octopus.Action.FailScriptOnErrorOutput"):
            raise StepFailed("The script wrote to its error output, which counts as failure.", -1)

    def _variable_bytes(self) -> bytes:
        parts: list[str] = []
        for name, value, _sensitive in self._variables:
            if name:
                parts += (name.replace("\0", ""), value.replace("\0", ""))
        text = "\0".join(parts)
        return (text + "\0").encode("utf-8", "surrogateescape") if parts else b""

    def _environment(self) -> dict[str, str]:
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        environment.setdefault("PATH", _DEFAULT_PATH)
        if "HOME" not in environment:
            with contextlib.suppress(KeyError):
                environment["HOME"] = pwd.getpwuid(os.getuid()).pw_dir
        environment["OCTOPUS_COMMAND_ID"] = self._command.id
        environment["OCTOPUS_WORK_DIRECTORY"] = str(self._command.work)
        return environment


def _clean(syntax: Syntax, data: bytes) -> bytes:
    """Bash takes carriage returns and a byte order mark for parts of words."""
    if syntax is not BASH:
        return data
    return data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")


def _unused(path: Path) -> Path:
    number = 1
    candidate = path
    while candidate.exists() or candidate.is_symlink():
        candidate = path.with_stem(f"{path.stem}_{number}")
        number += 1
    return candidate


def _write_private(path: Path, data: bytes, *, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
