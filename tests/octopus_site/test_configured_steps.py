"""A real deployment of what the test of packages leaves out: a failure, a Java archive, modules.

Every file that the steps leave on the disk is compared byte by byte, and no secret is anywhere
else: not in the agent's folder, not in the log, not in an artifact.
"""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any, Final

from tests.clients.projects import (
    FEED,
    SPACE,
    log_of,
    make_environment,
    make_project,
    package,
    script,
    set_steps,
    set_variables,
    step,
)
from tests.clients.targets import Target, start_targets
from tests.factories.packages import zip_of
from tests.support.processes import Processes
from tests.support.server import OctopusServer

PLACE: Final = "Stepping"
ALWAYS: Final = "Always"
SECRET: Final = "tr0ub4dor-and-3-horses"
TOKEN: Final = "issued-by-the-first-step-9f1c"
MODULE: Final = 'shout() { printf "%s\\n" "${1^^}"; }\n'
# The module, a package that is extracted, one that is not, a sensitive output and a plain one.
USES: Final = """source Common.sh
shout "$(cat Tool/word.txt)" > "{work}/shouted.txt"
unzip -p "$(get_octopusvariable 'Octopus.Action.Package[Closed].PackageFilePath')" word.txt \
  > "{work}/closed.txt"
set_octopusvariable Token {token} -sensitive
set_octopusvariable Slot blue
key="#{{Db:Key}}"
echo "key of ${{#key}}: $key" > said.txt
new_octopusartifact said.txt
"""
# What later steps see of outputs, by name and by target, and of what failed before.
READS: Final = """token=$(get_octopusvariable "Octopus.Action[Uses].Output.Token")
printf '%s %s %s\\n' "$token" "#{{Octopus.Action[Uses].Output.Slot}}" \
  "#{{Octopus.Action[Uses].Output[steps-1].Slot}}" | sha256sum > "{work}/token.txt"
echo "it is $token"
echo "#{{Octopus.Step[Fails].Status.Code}}" > "{work}/status.txt"
"""
FAILED: Final = b"packaged PreDeploy\nstep Deploy\npackaged DeployFailed\nstep DeployFailed\n"


def test_every_other_feature(octopus: OctopusServer, processes: Processes, tmp_path: Path) -> None:
    place = make_environment(octopus, PLACE)
    start_targets(processes, octopus, tmp_path, [Target("steps-1", [PLACE])])
    work = tmp_path / "left"
    work.mkdir()
    octopus.push("Steps.App.1.0.0.zip", zip_of(failing(work)))
    octopus.push("Steps.Tool.1.0.0.zip", zip_of({"word.txt": b"quietly"}))
    octopus.push("Steps.Web.1.0.0.war", war())
    prepare(octopus, work, place)
    task = octopus.deploy(PLACE, PLACE)
    raw = log_of(octopus, task)
    assert task["State"] == "Failed", raw
    assert "step DeployFailed" not in raw.partition("Reads")[2]

    left = {str(p.relative_to(work)): p.read_bytes() for p in work.rglob("*") if p.is_file()}
    with zipfile.ZipFile(io.BytesIO(left.pop("shop.war"))) as archive:
        assert archive.read("app.properties") == b"color=green\n"
        assert archive.read("kept.bin") == b"\0\1"
    assert left.pop("token.txt").split()[0] == sha256(f"{TOKEN} blue blue\n")
    assert left == {
        "order.txt": FAILED,
        "shouted.txt": b"QUIETLY\n",
        "closed.txt": b"quietly",
        "status.txt": b"Failed\n",
    }
    assert_no_secret(octopus, task, raw, tmp_path)


def assert_no_secret(octopus: OctopusServer, task: dict[str, Any], raw: str, folder: Path) -> None:
    """Look at the log, the artifact and every file below the folder of the agent."""
    assert "it is ********" in raw
    [artifact] = octopus.call("GET", f"{SPACE}/artifacts?regarding={task['Id']}")["Items"]
    content = octopus.read(f"{SPACE}/artifacts/{artifact['Id']}/content")
    assert content == f"key of {len(SECRET)}: ********\n".encode()
    assert "The artifact said.txt holds secrets; they were masked." in raw
    # What the script itself wrote into its folder is all that has the secret.
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    files = [path for path in files if path.name != "said.txt"]
    assert len(files) > 10
    for secret in (SECRET, TOKEN):
        assert secret not in raw
        assert [path for path in files if secret.encode() in path.read_bytes()] == []


def failing(work: Path) -> dict[str, bytes]:
    """Return a package that tells of each stage, whose PostDeploy fails."""
    order = f'"{work}/order.txt"'
    return {
        "PreDeploy.sh": f"echo packaged PreDeploy >> {order}".encode(),
        "PostDeploy.sh": b"exit 3",
        "DeployFailed.sh": f"echo packaged DeployFailed >> {order}".encode(),
    }


def war() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.properties", b"color=red\n")
        archive.writestr("kept.bin", b"\0\1")
    return buffer.getvalue()


def sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).hexdigest().encode()


def prepare(octopus: OctopusServer, work: Path, place: str) -> None:
    module = octopus.call(
        "POST",
        f"{SPACE}/libraryvariablesets",
        {"Name": "Common", "ContentType": "ScriptModule"},
    )
    values = octopus.call("GET", f"{SPACE}/variables/{module['VariableSetId']}")
    values["Variables"] = [
        {"Id": "", "Name": "Octopus.Script.Module[Common]", "Value": MODULE, "Scope": {}},
        {"Id": "", "Name": "Octopus.Script.Module.Language[Common]", "Value": "Bash", "Scope": {}},
    ]
    octopus.call("PUT", f"{SPACE}/variables/{module['VariableSetId']}", values)
    project = make_project(octopus, PLACE, place, IncludedLibraryVariableSetIds=[module["Id"]])
    set_variables(octopus, project, {"color": "green"}, {"Db:Key": SECRET})
    set_steps(octopus, project, steps(work))


def steps(work: Path) -> list[dict[str, Any]]:
    prefix = "Octopus.Action.Package"
    order = f'"{work}/order.txt"'
    scripts = {
        "Octopus.Action.EnabledFeatures": "Octopus.Features.CustomScripts",
        "Octopus.Action.CustomScripts.Deploy.sh": f"echo step Deploy >> {order}",
        "Octopus.Action.CustomScripts.DeployFailed.sh": f"echo step DeployFailed >> {order}",
    }
    archive = {
        "Octopus.Action.EnabledFeatures": "Octopus.Features.JsonConfigurationVariables",
        f"{prefix}.JsonConfigurationVariablesTargets": "*.properties",
        f"{prefix}.CustomInstallationDirectory": str(work),
        f"{prefix}.CustomPackageFileName": "shop.war",
    }
    references = [
        {"Name": "Tool", "PackageId": "Steps.Tool", **FEED, "Properties": {"Extract": "True"}},
        {"Name": "Closed", "PackageId": "Steps.Tool", **FEED, "Properties": {"Extract": "False"}},
    ]
    uses = USES.format(work=work, token=TOKEN)
    return [
        step("Fails", "Octopus.TentaclePackage", scripts, [package("Steps.App")], condition=ALWAYS),
        step("Archive", "Octopus.JavaArchive", archive, [package("Steps.Web")], condition=ALWAYS),
        step("Uses", "Octopus.Script", script(uses), references, condition=ALWAYS),
        step("Reads", "Octopus.Script", script(READS.format(work=work)), condition=ALWAYS),
    ]
