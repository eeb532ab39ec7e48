"""Act on service messages: outputs, artifacts, progress, masks, levels."""

from collections.abc import Callable, Mapping
from pathlib import Path

from agent.contracts.sealing import seal_text
from agent.contracts.spool import STDERR, STDOUT
from agent.runtime.runner.keep import KeptFiles
from agent.runtime.runner.output import Output, fits
from agent.runtime.runner.service_messages import (
    BadMessage,
    ServiceMessage,
    ServiceMessageParser,
)
from agent.runtime.variables import Variables

# A record has to fit into one frame, also when each character is escaped in JSON.
_PART_SIZE = 8 * 1024
_SEALED_PART_SIZE = 48 * 1024
_STDOUT_LEVELS = {
    "stdout-default": "info",
    "stdout-verbose": "verbose",
    "stdout-warning": "warning",
    "stdout-error": "error",
    "stdout-highlight": "highlight",
    "stdout-wait": "wait",
    "stdout-ignore": "ignore",
}
_STDERR_LEVELS = {
    "stderr-default": "error",
    "stderr-error": "error",
    "stderr-progress": "verbose",
    "stderr-ignore": "ignore",
}
_MAX_SHORT = 2000

Attributes = Mapping[str, str]


class Messages:
    """The sink of a script's output: text goes to the output, messages take effect."""

    def __init__(
        self, output: Output, variables: Variables, output_key: bytes | None, kept: KeptFiles
    ) -> None:
        self._output = output
        self._variables = variables
        self._output_key = output_key
        self._parsers = {STDOUT: ServiceMessageParser(), STDERR: ServiceMessageParser()}
        self._actions: dict[str, Callable[[Attributes], None]] = {
            "setVariable": self._set_variable,
            "createArtifact": self._create_artifact,
            "progress": self._progress,
            "resultMessage": self._result,
            "mask": self._mask,
        }
        self._kept = kept
        self._pending: list[tuple[Path, str]] = []
        self.result = ""
        self.directory = Path()

    def feed(self, stream: int, data: bytes) -> None:
        """Take bytes that a script has written."""
        for event in self._parsers[stream].feed(data):
            self._handle(stream, event)

    def end_of_script(self) -> None:
        for stream, parser in self._parsers.items():
            for event in parser.flush():
                self._handle(stream, event)
        self._output.end_of_script()
        self._keep_artifacts()

    def _keep_artifacts(self) -> None:
        """Take the files as they are now; the daemon sends them when the command has ended."""
        for path, name in self._pending:
            try:
                kept, is_masked = self._kept.keep(path, name, self._output.secrets)
            except OSError as problem:
                reason = problem.strerror or problem
                self._output.notice(f"The artifact {name[:_MAX_SHORT]} was not kept: {reason}.")
            else:
                self._output.record({"t": "artifact", "name": name, **kept})
                if is_masked:
                    shown = name[:_MAX_SHORT]
                    self._output.notice(f"The artifact {shown} holds secrets; they were masked.")
        self._pending.clear()

    def set_output(self, name: str, value: str, *, sensitive: bool = False) -> None:
        """Record an output variable; seal it if it is, or contains, something sensitive."""
        self._remember(name, value, sensitive=sensitive)
        if not sensitive and self._output.secrets.hides(value):
            sensitive = True
            self._output.notice(
                f"The output variable {name[:200]} contains a sensitive value "
                "and is kept as a sensitive variable."
            )
        if not sensitive:
            self._record_parts(name, "value", value, _PART_SIZE)
        elif self._output_key is None:
            self._output.notice(
                f"The sensitive output variable {name[:200]} was left out: "
                "the server gave no key to seal it."
            )
        else:
            sealed = seal_text(self._output_key, value)
            self._record_parts(name, "sealed", sealed, _SEALED_PART_SIZE)

    def _handle(self, stream: int, event: bytes | ServiceMessage | BadMessage) -> None:
        if isinstance(event, bytes):
            self._output.write(stream, event)
        elif isinstance(event, BadMessage):
            self._output.notice(event.reason)
        elif event.name in _STDOUT_LEVELS:
            self._output.level(STDOUT, _STDOUT_LEVELS[event.name])
        elif event.name in _STDERR_LEVELS:
            self._output.level(STDERR, _STDERR_LEVELS[event.name])
        elif action := self._actions.get(event.name):
            action(event.attributes)
        else:
            self._output.notice(f"The service message {event.name[:60]} is not supported.")

    def _set_variable(self, attributes: Attributes) -> None:
        name = attributes.get("name", "")
        if not name.strip() or len(name) > _MAX_SHORT:
            self._output.notice("A setVariable message has no usable name.")
            return
        value = attributes.get("value", "")
        sensitive = attributes.get("sensitive", "").strip().lower() == "true"
        if sensitive:
            self._learn_secret(name, value)
        self.set_output(name, value, sensitive=sensitive)

    def _remember(self, name: str, value: str, *, sensitive: bool) -> None:
        """Let the following scripts of this command see the value."""
        step = self._variables.get("Octopus.Action.Name")
        machine = self._variables.get("Octopus.Machine.Name")
        names = [name]
        if step:
            names.append(f"Octopus.Action[{step}].Output.{name}")
            if machine:
                names.append(f"Octopus.Action[{step}].Output[{machine}].{name}")
        for each in names:
            self._variables.set(each, value, sensitive=sensitive)

    def _record_parts(self, name: str, field: str, text: str, size: int) -> None:
        name = self._output.secrets.mask(name)
        whole = {"t": "output", "name": name, field: text}
        if fits(whole):
            self._output.record(whole)
            return
        parts = [text[at : at + size] for at in range(0, len(text), size)]
        for number, part in enumerate(parts):
            self._output.record(
                {"t": "output", "name": name, "part": number, "parts": len(parts), field: part}
            )

    def _create_artifact(self, attributes: Attributes) -> None:
        path = self.directory / attributes.get("path", "").replace("\0", "")
        name = attributes.get("name") or path.name
        if not path.is_file():
            self._output.notice(f"The artifact {name[:_MAX_SHORT]} was not found at {path}.")
            return
        mask = self._output.secrets.mask
        self._pending.append((path, mask(name)))

    def _progress(self, attributes: Attributes) -> None:
        try:
            percentage = max(0, min(100, int(float(attributes.get("percentage", "0")))))
        except (ValueError, OverflowError):
            self._output.notice("A progress message has no number as its percentage.")
            return
        message = self._output.secrets.mask(attributes.get("message", "")[:_MAX_SHORT])
        self._output.record({"t": "progress", "percentage": percentage, "message": message})

    def _result(self, attributes: Attributes) -> None:
        self.result = self._output.secrets.mask(attributes.get("message", "")[:_MAX_SHORT])
        self._output.record({"t": "result", "message": self.result})

    def _mask(self, attributes: Attributes) -> None:
        self._learn_secret("", attributes.get("value", ""))

    def _learn_secret(self, name: str, value: str) -> None:
        if not self._output.secrets.add(value):
            which = f"of {name[:200]} " if name else ""
            self._output.notice(f"A sensitive value {which}is too short to be masked.")
