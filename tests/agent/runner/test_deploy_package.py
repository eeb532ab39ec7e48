"""Deploying a package with a real runner: conventions, journal, custom directory, skipping."""

import io
import json
import stat
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

Agent = Any
ALL_FEATURES = "Octopus.Features.CustomScripts,Octopus.Features.SubstituteInFiles"


def make_zip(files: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def variables(**more: str) -> dict[str, str]:
    given = {
        "Octopus.Environment.Name": "Staging",
        "Octopus.Environment.Id": "Environments-1",
        "Octopus.Project.Id": "Projects-1",
        "Octopus.Action.Id": "action-1",
        "Octopus.Action.Name": "Deploy web",
        "Octopus.Machine.Id": "Machines-1",
        "Octopus.Machine.Name": "web-1",
        "Octopus.Action.EnabledFeatures": ALL_FEATURES,
        "OctopusSkipFreeDiskSpaceCheck": "True",
    }
    return given | {name.replace("__", "."): value for name, value in more.items()}


def deploy(
    agent: Agent, files: dict[str, str | bytes], given: dict[str, str] | None = None, **options: Any
) -> Any:
    package = agent.add_package(make_zip(files), **options.pop("package", {}))
    packages = [package, *options.pop("references", [])]
    return agent.run(given or variables(), kind="deploy_package", packages=packages, **options)


def journal(agent: Agent) -> list[dict[str, Any]]:
    lines = (agent.home / "deployment-journal.json").read_text().splitlines()
    return [json.loads(line) for line in lines]


def phases(run: Any) -> list[tuple[str, str]]:
    return [(record["name"], record["state"]) for record in run.records("phase")]


def custom(stage: str, body: str, extension: str = "sh") -> dict[str, str]:
    return {f"Octopus.Action.CustomScripts.{stage}.{extension}": body}


def test_installs_and_tells_where(agent: Agent) -> None:
    run = deploy(agent, {"index.html": "hello", "bin/run": "x"})
    path = agent.home / "applications/Staging/Acme.Web/1.0.0"
    assert run.exit["exit"] == 0, run.text
    assert (path / "index.html").read_text() == "hello"
    assert run.outputs == {"Package.InstallationDirectoryPath": str(path)}
    assert phases(run) == [("Extract package", "started"), ("Extract package", "succeeded")]
    assert "Extracted 2 files" in run.text
    (entry,) = journal(agent)
    assert entry["successful"] is True
    assert entry["extracted_to"] == str(path)
    assert entry["retention_set"] == "Environments-1/Projects-1/action-1/Machines-1/<default>"
    assert run.records("journal")[0]["extracted_to"] == str(path)


def test_never_reuses_a_directory(agent: Agent) -> None:
    paths = [
        deploy(agent, {"a": "1"}).outputs["Package.InstallationDirectoryPath"] for _ in range(3)
    ]
    assert [Path(path).name for path in paths] == ["1.0.0", "1.0.0_1", "1.0.0_2"]


def test_names_in_the_path_are_made_safe(agent: Agent) -> None:
    given = variables() | {
        "Octopus.Environment.Name": "../../Test/1",
        "Octopus.Deployment.Tenant.Name": "..",
    }
    run = deploy(agent, {"a": "1"}, given)
    path = Path(run.outputs["Package.InstallationDirectoryPath"])
    assert path.parts[-4:] == ("__", ".._.._Test_1", "Acme.Web", "1.0.0")
    assert path.is_relative_to(agent.home / "applications")


def test_conventions_run_in_order(agent: Agent) -> None:
    say = 'echo "{0} $(cat config.txt) $(basename "$PWD")"'
    files: dict[str, str | bytes] = {"config.txt": "#{Color}"}
    for stage in ("PreDeploy", "Deploy", "PostDeploy", "DeployFailed"):
        files[f"{stage}.sh"] = say.format(f"packaged {stage}")
    given = variables(Color="green")
    given["Octopus.Action.SubstituteInFiles.TargetFiles"] = "config.txt"
    given["Octopus.Action.Package.CustomInstallationDirectory"] = str(agent.home.parent / "live")
    for stage in ("PreDeploy", "Deploy", "PostDeploy"):
        given |= custom(stage, say.format(f"inline {stage}"))
    run = deploy(agent, files, given)
    lines = [
        line
        for line in run.stdout.decode().splitlines()
        if line.split()[0] in ("inline", "packaged")
    ]
    assert lines == [
        "inline PreDeploy #{Color} 1.0.0",
        "packaged PreDeploy #{Color} 1.0.0",
        "packaged Deploy green live",
        "inline Deploy green live",
        "packaged PostDeploy green live",
        "inline PostDeploy green live",
    ]
    assert [name for name, state in phases(run) if state == "succeeded"] == [
        "Extract package",
        "PreDeploy script of the step",
        "PreDeploy script of the package",
        "Substitute variables in files",
        "Copy to the custom installation directory",
        "Deploy script of the package",
        "Deploy script of the step",
        "PostDeploy script of the package",
        "PostDeploy script of the step",
    ]
    left = {path.name for path in (agent.home.parent / "live").iterdir()}
    assert left == {"config.txt", "DeployFailed.sh"}


def test_one_packaged_script_per_stage(agent: Agent) -> None:
    files: dict[str, str | bytes] = {
        "deploy.SH": "echo bash",
        "Deploy.py": "print('python')",
        "Deploy.ps1": "'powershell'",
        "sub/Deploy.sh": "echo sub",
    }
    run = deploy(agent, files)
    path = Path(run.outputs["Package.InstallationDirectoryPath"])
    assert b"bash\n" in run.stdout
    assert b"python\n" not in run.stdout
    assert {entry.name for entry in path.iterdir()} == {"sub"}
    kept = deploy(agent, files, variables(OctopusDeleteScriptsOnCleanup="False"))
    assert len(list(Path(kept.outputs["Package.InstallationDirectoryPath"]).iterdir())) == 4
    off = deploy(agent, files, variables(Octopus__Action__Package__RunScripts="False"))
    assert b"bash" not in off.stdout


def test_inline_scripts_need_the_feature_and_see_the_directory(agent: Agent) -> None:
    body = 'echo "[#{Octopus.Action.Package.InstallationDirectoryPath}] $PWD"'
    run = deploy(agent, {"a": "1"}, variables() | custom("Deploy", body))
    path = run.outputs["Package.InstallationDirectoryPath"]
    assert f"[{path}] {path}\n" in run.stdout.decode()
    off = variables() | custom("Deploy", body) | {"Octopus.Action.EnabledFeatures": ""}
    assert b"[" not in deploy(agent, {"a": "1"}, off).stdout


def test_inline_scripts_of_several_languages_all_run(agent: Agent) -> None:
    given = variables() | custom("Deploy", "print('two')", "py") | custom("Deploy", "echo one")
    out = deploy(agent, {"a": "1"}, given).stdout
    assert out.index(b"one\n") < out.index(b"two\n")
    run = deploy(agent, {"a": "1"}, variables() | custom("Deploy", "x", "csx"))
    assert ".csx are not supported" in run.exit["message"]


def test_outputs_reach_later_scripts_and_files(agent: Agent) -> None:
    given = variables() | custom("PreDeploy", "set_octopusvariable Port 8080")
    given |= custom("Deploy", 'get_octopusvariable "Octopus.Action[Deploy web].Output.Port"')
    given["Octopus.Action.SubstituteInFiles.TargetFiles"] = "*.conf"
    run = deploy(agent, {"a.conf": "port=#{Octopus.Action[Deploy web].Output[web-1].Port}"}, given)
    path = Path(run.outputs["Package.InstallationDirectoryPath"])
    assert (path / "a.conf").read_text() == "port=8080"
    assert b"8080" in run.stdout


def test_failure_runs_deploy_failed_and_keeps_the_first_error(agent: Agent) -> None:
    files: dict[str, str | bytes] = {
        "Deploy.sh": "fail_step 'no database'",
        "PostDeploy.sh": "echo never",
        "DeployFailed.sh": "echo rolling back; exit 9",
    }
    run = deploy(agent, files)
    assert (run.exit["exit"], run.exit["message"]) == (1, "no database")
    assert b"rolling back" in run.stdout
    assert b"never" not in run.stdout
    assert "failed as well" in run.text
    assert ("Deploy script of the package", "failed") in phases(run)
    assert journal(agent)[0]["successful"] is False
    path = Path(run.outputs["Package.InstallationDirectoryPath"])
    assert (path / "Deploy.sh").exists()


def test_skip_remaining_conventions(agent: Agent) -> None:
    body = "set_octopusvariable Octopus.Action.SkipRemainingConventions True"
    run = deploy(agent, {"Deploy.sh": "echo never"}, variables() | custom("PreDeploy", body))
    assert run.exit["exit"] == 0
    assert b"never" not in run.stdout
    assert journal(agent)[0]["successful"] is True


def test_skip_if_installed(agent: Agent) -> None:
    given = variables(Octopus__Action__Package__SkipIfAlreadyInstalled="True")
    files: dict[str, str | bytes] = {"Deploy.sh": "echo deployed"}
    first = deploy(agent, files, given)
    second = deploy(agent, files, given)
    assert b"deployed\n" in first.stdout
    assert b"deployed\n" not in second.stdout
    assert "already installed" in second.text
    assert second.outputs == first.outputs
    assert len(journal(agent)) == 1
    other = deploy(agent, files, given, package={"version": "2.0.0"})
    assert b"deployed\n" in other.stdout


def test_a_failed_installation_is_repeated(agent: Agent) -> None:
    given = variables(Octopus__Action__Package__SkipIfAlreadyInstalled="True")
    deploy(agent, {"Deploy.sh": "exit 1"}, given)
    assert b"again\n" in deploy(agent, {"Deploy.sh": "echo again"}, given).stdout


def test_previous_installation_variables(agent: Agent) -> None:
    first = deploy(agent, {"a": "1"})
    name = "Octopus.Tentacle.PreviousInstallation"
    body = f"get_octopusvariable {name}.OriginalInstalledPath;"
    body += f"get_octopusvariable {name}.PackageVersion"
    second = deploy(agent, {"Deploy.sh": body}, package={"version": "2.0.0"})
    expected = first.outputs["Package.InstallationDirectoryPath"] + "1.0.0"
    assert expected in second.stdout.decode()


def test_journal_survives_a_torn_line(agent: Agent) -> None:
    deploy(agent, {"a": "1"})
    with (agent.home / "deployment-journal.json").open("a") as file:
        file.write('{"id": "torn')
    given = variables(Octopus__Action__Package__SkipIfAlreadyInstalled="True")
    assert "already installed" in deploy(agent, {"a": "1"}, given).text
    deploy(agent, {"a": "2"})
    lines = (agent.home / "deployment-journal.json").read_text().splitlines()
    assert len(lines) == 3
    assert json.loads(lines[2])["successful"] is True


def test_custom_directory_copies_over_what_is_there(agent: Agent, tmp_path: Path) -> None:
    live = tmp_path / "live"
    live.mkdir()
    (live / "old.txt").write_text("old")
    (live / "index.html").write_text("before")
    given = variables(Root=str(tmp_path))
    given["Octopus.Action.Package.CustomInstallationDirectory"] = "#{Root}/live"
    run = deploy(agent, {"index.html": "after", "sub/x": "1"}, given)
    assert (live / "index.html").read_text() == "after"
    assert (live / "old.txt").read_text() == "old"
    assert (live / "sub/x").read_text() == "1"
    assert run.outputs == {
        "Package.InstallationDirectoryPath": str(live),
        "Package.CopiedFileCount": "2",
    }
    assert journal(agent)[0]["custom_directory"] == str(live)


def test_purge_keeps_what_is_excluded(agent: Agent, tmp_path: Path) -> None:
    live = tmp_path / "live"
    for name in ("data/keep.db", "logs/a.log", "old/deep/x", "sub/y.keep", "top"):
        (live / name).parent.mkdir(parents=True, exist_ok=True)
        (live / name).write_text("old")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("safe")
    (live / "link").symlink_to(tmp_path / "outside")
    prefix = "Octopus.Action.Package.CustomInstallationDirectory"
    given = variables() | {
        prefix: str(live),
        f"{prefix}ShouldBePurgedBeforeDeployment": "True",
        f"{prefix}PurgeExclusions": "data\nlogs/*.log\n*.keep",
    }
    deploy(agent, {"new": "1"}, given)
    files = {str(path.relative_to(live)) for path in live.rglob("*") if path.is_file()}
    assert files == {"data/keep.db", "logs/a.log", "sub/y.keep", "new"}
    assert not (live / "old").exists()
    assert (tmp_path / "outside/file").read_text() == "safe"


@pytest.mark.parametrize(
    "target", ["relative/dir", "#{Missing}", "{home}", "/", "{home}/applications", "{parent}"]
)
def test_bad_custom_directories_are_refused(agent: Agent, target: str) -> None:
    text = target.replace("{home}", str(agent.home)).replace("{parent}", str(agent.home.parent))
    prefix = "Octopus.Action.Package.CustomInstallationDirectory"
    given = variables() | {prefix: text, f"{prefix}ShouldBePurgedBeforeDeployment": "True"}
    run = deploy(agent, {"a": "1"}, given)
    assert run.exit["exit"] == 1
    assert "custom installation directory" in run.exit["message"]
    assert (run.directory / "exit").exists()


def test_referenced_packages(agent: Agent) -> None:
    tools = agent.add_package(make_zip({"tool.sh": "echo tool"}), name="Tools", package_id="Tools")
    raw = agent.add_package(b"raw bytes", ".zip", name="Raw", package_id="Raw", extract=False)
    body = (
        'bash "$(get_octopusvariable "Octopus.Action.Package[Tools].ExtractedPath")/tool.sh"\n'
        'cat "$(get_octopusvariable "Octopus.Action.Package[Raw].PackageFilePath")"\n'
    )
    run = deploy(agent, {"Deploy.sh": body}, references=[tools, raw])
    assert b"tool\n" in run.stdout
    assert b"raw bytes" in run.stdout
    script = agent.script("bash Tools/tool.sh; cat Raw.zip", packages=[tools, raw])
    assert b"tool\n" in script.stdout
    assert b"raw bytes" in script.stdout


def test_script_from_a_package(agent: Agent) -> None:
    package = agent.add_package(make_zip({"scripts/go.sh": "echo went $1 ${PWD##*/}"}))
    given = {
        "Octopus.Action.Script.ScriptSource": "Package",
        "Octopus.Action.Script.ScriptFileName": "scripts/go.sh",
        "Octopus.Action.Script.ScriptParameters": "there",
    }
    assert b"went there package\n" in agent.run(given, packages=[package]).stdout
    given["Octopus.Action.Script.ScriptFileName"] = "../../started"
    assert "has no script" in agent.run(given, packages=[package]).exit["message"]


def test_hostile_package_leaves_nothing_behind(agent: Agent) -> None:
    run = deploy(agent, {"ok": "1", "../evil": "x"})
    assert run.exit["exit"] == 1
    assert "leads out of the folder" in run.exit["message"]
    assert not list((agent.home / "applications").rglob("ok"))
    assert not list((agent.home / "applications/Staging/Acme.Web").iterdir())
    assert not (agent.home / "deployment-journal.json").exists()


def test_cancel_while_extracting_leaves_nothing_behind(agent: Agent) -> None:
    files = {f"file-{number}": b"x" * 1000 for number in range(60_000)}
    package = agent.add_package(make_zip(dict(files)))
    run = agent.start(variables(), kind="deploy_package", packages=[package])
    parent = agent.home / "applications/Staging/Acme.Web"
    while not (parent / "1.0.0/file-5").exists():
        time.sleep(0.001)
    run.cancel()
    run.wait()
    assert run.exit["reason"] == "cancelled"
    assert list(parent.iterdir()) == []


def test_missing_package_and_full_disk_are_told(agent: Agent) -> None:
    assert "no package" in agent.run(variables(), kind="deploy_package").exit["message"]
    given = variables(OctopusFreeDiskSpaceOverrideInMegaBytes="999999999")
    del given["OctopusSkipFreeDiskSpaceCheck"]
    assert "MB free" in deploy(agent, {"a": "1"}, given).exit["message"]


def test_secrets_go_into_files_only(agent: Agent) -> None:
    given = variables() | custom("Deploy", "cat secret.conf")
    given["Octopus.Action.SubstituteInFiles.TargetFiles"] = "secret.conf"
    run = deploy(agent, {"secret.conf": "p=#{Pass}"}, given, sensitive={"Pass": "hunter2hunter2"})
    path = Path(run.outputs["Package.InstallationDirectoryPath"])
    assert (path / "secret.conf").read_text() == "p=hunter2hunter2"
    (path / "secret.conf").unlink()
    assert b"p=********" in run.stdout
    assert b"hunter2hunter2" not in run.raw()


def test_journal_is_private(agent: Agent) -> None:
    deploy(agent, {"a": "1"})
    assert stat.S_IMODE((agent.home / "deployment-journal.json").stat().st_mode) == 0o600
