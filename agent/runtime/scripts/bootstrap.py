"""Run a Python script with the deployment's variables and helper functions.

Arguments: descriptor of the variables, path of the script, parameters of the script.
The variables are name NUL value NUL ..., and are read once; nothing enters the environment.
"""

# Runs under whatever python3 the machine has, so it keeps to what old versions know.
# ruff: noqa: B905, FBT002, N803, PTH100, PTH113, PTH119, PTH120, PTH123
# ruff: noqa: RUF005, S102
# mypy: ignore-errors

import base64
import os
import sys
import types


class _Variables(dict):
    """A dict whose look-up falls back to comparing without regard to case."""

    def __missing__(self, name):
        wanted = str(name).lower()
        for key, value in self.items():
            if key.lower() == wanted:
                return value
        raise KeyError(name)


def _read_variables(descriptor):
    with os.fdopen(descriptor, "rb") as file:
        parts = file.read().decode("utf-8", "surrogateescape").split("\0")
    return _Variables(zip(parts[0::2], parts[1::2]))


def _message(kind, **attributes):
    text = "##octopus[" + kind
    for key, value in attributes.items():
        raw = str(value).encode("utf-8", "surrogateescape")
        text += " {}='{}'".format(key, base64.b64encode(raw).decode("ascii"))
    sys.stdout.write(text + "]\n")
    sys.stdout.flush()


def _say(level, message):
    sys.stdout.write(f"##octopus[stdout-{level}]\n{message}\n##octopus[stdout-default]\n")
    sys.stdout.flush()


def get_octopusvariable(name):
    """Return a variable's value; raise KeyError if there is none."""
    return octopusvariables[name]


def set_octopusvariable(name, value, sensitive=False):
    """Set an output variable for later steps."""
    if sensitive:
        _message("setVariable", name=name, value=value, sensitive="True")
    else:
        _message("setVariable", name=name, value=value)


def createartifact(path, fileName=None):
    """Collect a file as an artifact of the deployment."""
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"The artifact {path} was not found.")
    _message("createArtifact", path=path, name=fileName or os.path.basename(path))


def updateprogress(progress, message=None):
    """Report a percentage."""
    _message("progress", percentage=progress, message=message or "")


def printverbose(message):
    _say("verbose", message)


def printhighlight(message):
    _say("highlight", message)


def printwait(message):
    _say("wait", message)


def printwarning(message):
    _say("warning", message)


def failstep(message=None):
    """End the script as failed; the message becomes the reason."""
    if message is not None:
        _message("resultMessage", message=message)
    sys.exit(1)


octopusvariables = _read_variables(int(sys.argv[1]))


def _run(path, parameters):
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec")
    module = types.ModuleType("__main__")
    module.__file__ = path
    for function in (
        get_octopusvariable,
        set_octopusvariable,
        createartifact,
        updateprogress,
        printverbose,
        printhighlight,
        printwait,
        printwarning,
        failstep,
    ):
        setattr(module, function.__name__, function)
    module.octopusvariables = octopusvariables
    sys.modules["__main__"] = module
    sys.argv = [path] + parameters
    sys.path[0] = os.path.dirname(path)
    # Of script modules nothing may stay beside them.
    sys.dont_write_bytecode = True
    exec(code, module.__dict__)


_run(sys.argv[2], sys.argv[3:])
