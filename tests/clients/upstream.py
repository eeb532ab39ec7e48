"""The API client's own tests, as its npm package carries them, run with jest."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.server import API_KEY, OctopusServer
from tests.tools.install import NODE_MODULES

_PACKAGE = NODE_MODULES / "@octopusdeploy" / "api-client"
_JEST = NODE_MODULES / "jest" / "bin" / "jest.js"
_WITHIN = 280.0


@dataclass(frozen=True)
class Outcome:
    """One test of theirs."""

    name: str
    status: str
    message: str


def run_upstream_tests(server: OctopusServer, folder: Path) -> dict[str, Outcome]:
    """Run all tests against the server; returns the outcomes by file and name."""
    _unpack(folder)
    result = folder / "result.json"
    with (folder / "output.txt").open("wb") as output:
        subprocess.run(
            [
                *("node", str(_JEST), "--config", "jest.config.json", "--silent"),
                *("--json", "--outputFile", str(result)),
            ],
            cwd=folder,
            env={
                **os.environ,
                "OCTOPUS_TEST_URL": server.url,
                "OCTOPUS_TEST_API_KEY": API_KEY,
                "HOME": str(folder),
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=_WITHIN,
            check=False,
        )
    assert result.exists(), (folder / "output.txt").read_text(errors="replace")[-4000:]
    return {one.name: one for one in _outcomes(json.loads(result.read_text()))}


def _unpack(folder: Path) -> None:
    # jest looks away from everything below node_modules, so the package is copied.
    shutil.copytree(_PACKAGE / "dist", folder / "dist")
    shutil.copy(_PACKAGE / "package.json", folder)
    # Their tests of packing collect the sources, of which the package carries the names only.
    for compiled in (folder / "dist").rglob("*.js"):
        source = folder / "src" / compiled.relative_to(folder / "dist").with_suffix(".ts")
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text("// the source\n")
    for name in (".gitignore", "README.md"):
        (folder / name).write_text("of their repository\n")
    configuration = {
        "rootDir": str(folder),
        "testMatch": ["<rootDir>/dist/**/*.test.js"],
        "modulePaths": [str(_PACKAGE / "node_modules"), str(NODE_MODULES)],
        "testEnvironment": "node",
        "maxWorkers": 2,
        "cacheDirectory": str(folder / "cache"),
        "watchman": False,
    }
    (folder / "jest.config.json").write_text(json.dumps(configuration))


def _outcomes(report: dict[str, Any]) -> list[Outcome]:
    found = []
    for suite in report["testResults"]:
        assert suite["assertionResults"], (suite["name"], suite["message"])
        for test in suite["assertionResults"]:
            name = f"{Path(suite['name']).name.partition('.')[0]}: {test['fullName']}"
            message = "\n".join(test["failureMessages"])[:2000]
            found.append(Outcome(name, test["status"], message))
    return found
