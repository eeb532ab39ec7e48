"""What unpacks zstd on this machine: a module of Python, or the program; neither is a must."""

import importlib
import importlib.util
import io
import logging
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, BinaryIO, Final

from agent.patches.apply import OpenZstd, Reader
from agent.patches.format import WINDOW_LOG, BrokenPatch

_log = logging.getLogger("tentacle")
_BLOCK: Final = 256 * 1024
_TIMEOUT: Final = 300.0
# zstd takes no prefix that is shorter, nor is there anything to find in one.
_SHORTEST_PREFIX: Final = 8
# Three times this text, packed with it as the prefix: what cannot unpack that is not used.
_PROBE_PREFIX: Final = b"The quick brown fox jumps over the lazy dog, and over the moon."
_PROBE: Final = bytes.fromhex("28b52ffd20bd3d00000001003a810a40")


def seems_here() -> bool:
    """Tell what an agent may announce: whether there is a way, as far as can be seen from outside.

    Nothing is loaded for it, because most agents never unpack a patch. Once one was wanted, it is
    known what works.
    """
    if find_zstd.cache_info().currsize:
        return find_zstd() is not None
    return any(_is_installed(*module) for module in _MODULES) or shutil.which("zstd") is not None


@cache
def find_zstd() -> OpenZstd | None:
    """Return the first that works; None when packages come without zstd."""
    for name, find in _WAYS:
        try:
            way = find()
            if way is not None and _works(way):
                return way
        except Exception as problem:  # noqa: BLE001 a broken module must not stop the agent
            _log.info("zstd by %s cannot be used: %s", name, problem)
    return None


def _works(way: OpenZstd) -> bool:
    reader = way(io.BytesIO(_PROBE), len(_PROBE), _PROBE_PREFIX)
    found = b""
    while block := reader.read(_BLOCK):
        found += block
    return found == _PROBE_PREFIX * 3


def _standard(name: str) -> OpenZstd | None:
    """Use a module that is, or is like, `compression.zstd` of Python 3.14."""
    module = _imported(name)
    if module is None:
        return None
    options = {module.DecompressionParameter.window_log_max: WINDOW_LOG}

    def open_payload(file: BinaryIO, length: int, prefix: bytes) -> Reader:
        dictionary = None
        if len(prefix) >= _SHORTEST_PREFIX:
            dictionary = module.ZstdDict(prefix, is_raw=True).as_prefix
        work = module.ZstdDecompressor(zstd_dict=dictionary, options=options)
        return _Unpacked(_Part(file, length), work, module.ZstdError)

    return open_payload


def _zstandard() -> OpenZstd | None:
    module = _imported("zstandard")
    if module is None:
        return None

    def open_payload(file: BinaryIO, length: int, prefix: bytes) -> Reader:
        dictionary = None
        if len(prefix) >= _SHORTEST_PREFIX:
            kind = module.DICT_TYPE_RAWCONTENT
            dictionary = module.ZstdCompressionDict(prefix, dict_type=kind)
        work = module.ZstdDecompressor(dict_data=dictionary, max_window_size=1 << WINDOW_LOG)
        return _Guarded(work.stream_reader(_Part(file, length)), module.ZstdError)

    return open_payload


def _program() -> OpenZstd | None:
    program = shutil.which("zstd")
    if program is None:
        return None

    def open_payload(file: BinaryIO, length: int, prefix: bytes) -> Reader:
        return _ByProgram(program, _Part(file, length), prefix)

    return open_payload


# Modules with what they are made of beside Python: an extension for this very interpreter.
_MODULES: Final = (
    ("_zstd", ()),
    ("backports.zstd", ("_zstd",)),
    ("zstandard", ("backend_c", "_cffi")),
)
_WAYS: Final[tuple[tuple[str, Callable[[], OpenZstd | None]], ...]] = (
    ("compression.zstd", lambda: _standard("compression.zstd")),
    ("backports.zstd", lambda: _standard("backports.zstd")),
    ("zstandard", _zstandard),
    ("the program zstd", _program),
)


def _is_installed(name: str, extensions: tuple[str, ...]) -> bool:
    """Tell whether a module is there, with one of these extensions where it needs one."""
    try:
        spec = importlib.util.find_spec(name)
    except Exception:  # noqa: BLE001 a broken package around it must not keep the agent from saying hello
        return False
    if spec is None or not extensions:
        return spec is not None
    return any(
        (Path(folder) / f"{extension}{suffix}").is_file()
        for folder in spec.submodule_search_locations or ()
        for extension in extensions
        for suffix in EXTENSION_SUFFIXES
    )


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


class _Part:
    """The next `length` bytes of a file."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._left = length

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(block)
        return block


class _Unpacked:
    def __init__(self, part: _Part, work: Any, error: type[Exception]) -> None:
        self._part = part
        self._work = work
        self._error = error

    def read(self, size: int) -> bytes:
        while not self._work.eof:
            packed = b""
            if self._work.needs_input:
                packed = self._part.read(_BLOCK)
                if not packed:
                    return b""
            try:
                block: bytes = self._work.decompress(packed, size)
            except self._error as problem:
                raise BrokenPatch(f"packed bytes are damaged: {problem}") from problem
            if block:
                return block
        return b""


class _Guarded:
    def __init__(self, stream: Any, error: type[Exception]) -> None:
        self._stream = stream
        self._error = error

    def read(self, size: int) -> bytes:
        try:
            block: bytes = self._stream.read(size)
        except self._error as problem:
            raise BrokenPatch(f"packed bytes are damaged: {problem}") from problem
        return block


class _ByProgram:
    """Let the program unpack into a file, which needs room for one payload on the disk."""

    def __init__(self, program: str, part: _Part, prefix: bytes) -> None:
        with tempfile.TemporaryDirectory(prefix="octopus-zstd-") as name:
            folder = Path(name)
            (folder / "prefix").write_bytes(prefix)
            with (folder / "packed").open("wb") as packed:
                while block := part.read(_BLOCK):
                    packed.write(block)
            argv = [program, "-d", "-q", "-f", f"--long={WINDOW_LOG}", "-o", "unpacked", "packed"]
            if len(prefix) >= _SHORTEST_PREFIX:
                argv.insert(1, "--patch-from=prefix")
            try:
                subprocess.run(argv, cwd=folder, check=True, capture_output=True, timeout=_TIMEOUT)
            except subprocess.SubprocessError as problem:
                raise BrokenPatch(f"zstd cannot unpack it: {problem}") from problem
            self._file = (folder / "unpacked").open("rb")

    def read(self, size: int) -> bytes:
        block = self._file.read(size)
        if not block:
            self._file.close()
        return block
