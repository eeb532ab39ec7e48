"""A real deployment whose package uses every feature, compared byte by byte on the disk."""

import codecs
from pathlib import Path
from typing import Any

from tests.clients.projects import (
    log_of,
    make_environment,
    make_project,
    package,
    set_steps,
    set_variables,
    step,
)
from tests.clients.targets import Target, start_targets
from tests.factories.packages import zip_of
from tests.support.processes import Processes
from tests.support.server import OctopusServer

PACKAGE = "Configured.App"
XDT = 'xmlns:xdt="http://schemas.microsoft.com/XML-Document-Transform"'
RELEASE = (
    f'<c {XDT}><appSettings><add key="release" xdt:Transform="Insert"/></appSettings></c>'
).encode()
VARIABLES = {
    "Greeting": "Grüße, #{Octopus.Environment.Name}",
    "Db:Host": "db-#{Octopus.Environment.Name | ToLower}",
    "Db:Port": "5433",
    "Servers:1": "two # second",
    "/app/level": "<debug>",
    "/app/list/@count": "2",
    "log.path": "C:\\logs\n",
    "Mode": "live",
    "Main": "Server=#{Db:Host};Port=#{Db:Port}",
}
SECRET = "tr0ub4dor & 3"
# What the package has, and what stands on the disk afterwards; None is gone.
FILES: dict[str, tuple[bytes, bytes | None]] = {
    "greeting.txt": (
        codecs.BOM_UTF16_LE + "#{Greeting} ##{kept}\r\n#{Nobody}".encode("utf-16-le"),
        codecs.BOM_UTF16_LE + "Grüße, {environment} #{kept}\r\n#{Nobody}".encode("utf-16-le"),
    ),
    "appsettings.json": (
        codecs.BOM_UTF8 + b'{\r\n  // where\r\n  "db": {"host": "x", "port": 1.0, "key": ""}\r\n}',
        codecs.BOM_UTF8
        + b'{\r\n  // where\r\n  "db": {"host": "db-{lower}", "port": 5433, '
        + b'"key": "tr0ub4dor & 3"}\r\n}',
    ),
    "servers.yml": (
        b"# ours\nservers:\n- 'one'\n- two   # old\nDb: {host: x, port: '1'}\n",
        (
            b"# ours\nservers:\n- 'one'\n- 'two # second'   # old\n"
            b"Db: {host: db-{lower}, port: '5433'}\n"
        ),
    ),
    "app.xml": (
        '<?xml version="1.0" encoding="iso-8859-1"?>\n<app  a=\'ä\'><level>info</level>'
        '<list count="0" /></app>\n'.encode("latin-1"),
        '<?xml version="1.0" encoding="iso-8859-1"?>\n<app  a=\'ä\'><level>&lt;debug&gt;</level>'
        '<list count="2" /></app>\n'.encode("latin-1"),
    ),
    "log.properties": (b"# log\nlog.path : /tmp\n", b"# log\nlog.path : C:\\\\logs\\n\n"),
    "Web.config": (
        (
            b'<c>\r\n  <appSettings>\r\n    <add key="mode" value="test"/>\r\n  </appSettings>\r\n'
            b"  <connectionStrings>\r\n    <add name='Main' />\r\n"
            b"  </connectionStrings>\r\n</c>\r\n"
        ),
        (
            b'<c>\r\n  <appSettings>\r\n    <add key="mode" value="live"/>\r\n'
            b'    <add key="release"/>\r\n    <add key="place" value="{environment}"/>\r\n'
            b"  </appSettings>\r\n  <connectionStrings>\r\n"
            b"    <add name='Main' connectionString=\"Server=db-{lower};Port=5433\" />\r\n"
            b"  </connectionStrings>\r\n</c>\r\n"
        ),
    ),
    "Web.Release.config": (
        RELEASE,
        RELEASE,
    ),
    "Web.{environment}.config": (
        f'<c {XDT}><appSettings><add key="place" value="#{{Octopus.Environment.Name}}"'
        ' xdt:Transform="Insert"/></appSettings></c>'.encode(),
        f'<c {XDT}><appSettings><add key="place" value="{{environment}}"'
        ' xdt:Transform="Insert"/></appSettings></c>'.encode(),
    ),
    "raw.bin": (b"\0#{Greeting}\xff", b"\0#{Greeting}\xff"),
    "PreDeploy.sh": (
        b'echo "packaged PreDeploy $(cat appsettings.json | wc -l)" >> order.txt',
        None,
    ),
    "Deploy.sh": (b"echo packaged Deploy >> order.txt", None),
    "PostDeploy.sh": (b"echo packaged PostDeploy >> order.txt", None),
    "DeployFailed.sh": (b"echo never", b"echo never"),
    "order.txt": (
        b"",
        (
            b"step PreDeploy\npackaged PreDeploy 3\npackaged Deploy\nstep Deploy\n"
            b"packaged PostDeploy\nstep PostDeploy\n"
        ),
    ),
}
FEATURES = (
    "CustomScripts",
    "SubstituteInFiles",
    "ConfigurationTransforms",
    "ConfigurationVariables",
    "JsonConfigurationVariables",
)


def test_every_feature(octopus: OctopusServer, processes: Processes, tmp_path: Path) -> None:
    environment = "Configured"
    place = make_environment(octopus, environment)
    start_targets(processes, octopus, tmp_path, [Target("configured-1", [environment])])
    files = {name.format(environment=environment): data for name, (data, _) in FILES.items()}
    octopus.push(f"{PACKAGE}.1.0.0.zip", zip_of(files))
    live = tmp_path / "live"
    (live / "old").mkdir(parents=True)
    (live / "old/gone").touch()
    (live / "data.db").write_text("kept")
    project = make_project(octopus, environment, place)
    set_variables(octopus, project, VARIABLES, {"Db:Key": SECRET})
    set_steps(octopus, project, [install(live)])
    task = octopus.deploy(environment, environment)
    raw = log_of(octopus, task)
    assert task["State"] == "Success", raw
    assert SECRET not in raw

    found = {str(p.relative_to(live)): p.read_bytes() for p in live.rglob("*") if p.is_file()}
    expected = {
        name.format(environment=environment): filled(after, environment)
        for name, (_, after) in FILES.items()
        if after is not None
    }
    assert found == expected | {"data.db": b"kept"}
    assert not (live / "old").exists()


def filled(data: bytes, environment: str) -> bytes:
    """Put the environment into an expected content, in the encoding that it has."""
    for name, text in (("{environment}", environment), ("{lower}", environment.lower())):
        for encoding in ("ascii", "utf-16-le"):
            data = data.replace(name.encode(encoding), text.encode(encoding))
    return data


def install(live: Path) -> dict[str, Any]:
    prefix = "Octopus.Action.Package"
    custom = f"{prefix}.CustomInstallationDirectory"
    names = ("appsettings.json", "*.yml", "app.xml", "log.properties")
    properties = {
        "Octopus.Action.EnabledFeatures": ",".join(f"Octopus.Features.{name}" for name in FEATURES),
        "Octopus.Action.SubstituteInFiles.TargetFiles": "greeting.txt\n*.bin\nWeb.*.config",
        f"{prefix}.JsonConfigurationVariablesTargets": "\n".join(names),
        custom: str(live),
        f"{custom}ShouldBePurgedBeforeDeployment": "True",
        f"{custom}PurgeExclusions": "*.db",
    }
    for stage in ("PreDeploy", "Deploy", "PostDeploy"):
        name = f"Octopus.Action.CustomScripts.{stage}.sh"
        properties[name] = f"echo step {stage} >> order.txt"
    return step("Install", "Octopus.TentaclePackage", properties, [package(PACKAGE)])
