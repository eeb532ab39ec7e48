"""Transforms and settings of .NET configuration files in a real runner."""

import codecs
import io
import zipfile
from typing import Any

Agent = Any
XDT = 'xmlns:xdt="http://schemas.microsoft.com/XML-Document-Transform"'
PREFIX = "Octopus.Action.Package"
FEATURES = "Octopus.Features.ConfigurationTransforms, Octopus.Features.ConfigurationVariables"


def deploy(agent: Agent, files: dict[str, str | bytes], **more: str) -> Any:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    given = {
        "Octopus.Environment.Name": "Staging",
        "Octopus.Deployment.Tenant.Name": "Acme",
        "Octopus.Action.EnabledFeatures": FEATURES,
        "OctopusSkipFreeDiskSpaceCheck": "True",
    }
    given |= {name.replace("__", "."): value for name, value in more.items()}
    package = agent.add_package(buffer.getvalue())
    return agent.run(given, kind="deploy_package", packages=[package])


def content(agent: Agent, name: str) -> bytes:
    folder = agent.home / "applications/Acme/Staging/Acme.Web/1.0.0"
    return bytes((folder / name).read_bytes())


def insert(name: str) -> str:
    return f'<c {XDT}><{name} xdt:Transform="Insert"/></c>'


def test_transforms_run_in_their_order(agent: Agent) -> None:
    names = ("Release", "Staging", "Acme")
    files: dict[str, str | bytes] = {f"web.{name}.config": insert(name) for name in names}
    files |= {"web.config": "<c></c>", "extra.config": insert("Extra"), "web.Other.config": "<x />"}
    listed = {f"{PREFIX}.AdditionalXmlConfigurationTransforms": "extra.config => web.config"}
    run = deploy(agent, files, **listed)
    assert run.exit["exit"] == 0, run.text
    assert content(agent, "web.config") == b"<c><Extra/><Release/><Staging/><Acme/></c>"
    assert "Transforming web.config using web.Release.config" in run.text
    assert ("verbose", "Inserted /c/Release") in run.levels


def test_only_the_listed_ones_and_substituted_first(agent: Agent) -> None:
    files: dict[str, str | bytes] = {
        "web.config": "<c><a/></c>",
        "web.Release.config": insert("Never"),
        "t.config": f'<c {XDT}><a v="#{{Color}}" xdt:Transform="SetAttributes"/></c>',
    }
    given = {
        "Octopus.Action.EnabledFeatures": f"{FEATURES},Octopus.Features.SubstituteInFiles",
        "Octopus.Action.SubstituteInFiles.TargetFiles": "t.config",
        f"{PREFIX}.AutomaticallyRunConfigurationTransformationFiles": "False",
        f"{PREFIX}.AdditionalXmlConfigurationTransforms": "t.config => web.config",
        "Color": "green",
    }
    deploy(agent, files, **given)
    assert content(agent, "web.config") == b'<c><a v="green"/></c>'


def test_settings_after_transforms_but_not_in_them(agent: Agent) -> None:
    inner = '<appSettings><add key="k" value="new" xdt:Transform="Insert"/></appSettings>'
    files: dict[str, str | bytes] = {
        "web.config": codecs.BOM_UTF8 + b"<c>\r\n<appSettings/>\r\n</c>",
        "web.Release.config": f"<c {XDT}>{inner}</c>",
        "sub/App.Config": '<c><appSettings><add key="K"/></appSettings></c>',
    }
    run = deploy(agent, files, k="v")
    written = '<c>\r\n<appSettings>\r\n  <add key="k" value="v"/>\r\n</appSettings>\r\n</c>'
    assert content(agent, "web.config") == codecs.BOM_UTF8 + written.encode(), run.text
    assert content(agent, "web.Release.config") == str(files["web.Release.config"]).encode()
    sub = b'<c><appSettings><add key="K" value="v"/></appSettings></c>'
    assert content(agent, "sub/App.Config") == sub
    assert "Replaced settings in sub/App.Config: k" in run.text


def test_failures_and_what_softens_them(agent: Agent) -> None:
    files: dict[str, str | bytes] = {
        "web.config": "<c/>",
        "web.Release.config": f'<c {XDT}><b xdt:Transform="Remove"/></c>',
    }
    run = deploy(agent, files)
    assert run.exit["exit"] == 1
    assert "with warnings, which count as errors: /c/b: no element" in run.exit["message"]
    lenient = {f"{PREFIX}.TreatConfigTransformationWarningsAsErrors": "False"}
    assert deploy(agent, files, **lenient).exit["exit"] == 0
    files["web.Release.config"] = f'<c {XDT}><b xdt:Transform="Import(x)"/></c>'
    run = deploy(agent, files)
    assert "the transform Import is not supported" in run.exit["message"]
    ignored = deploy(agent, files, **{f"{PREFIX}.IgnoreConfigTransformationErrors": "True"})
    assert ignored.exit["exit"] == 0
    assert "the transform Import is not supported" in ignored.text
    bad = {f"{PREFIX}.AdditionalXmlConfigurationTransforms": "a.config => ../b.config"}
    assert "leads upwards" in deploy(agent, files, **bad).exit["message"]


def test_broken_configuration_files(agent: Agent) -> None:
    files: dict[str, str | bytes] = {"web.config": "<c>", "x.config": b"\0\1"}
    run = deploy(agent, files)
    assert "Settings in web.config could not be replaced" in run.exit["message"]
    run = deploy(agent, files, **{f"{PREFIX}.IgnoreVariableReplacementErrors": "True"})
    assert run.exit["exit"] == 0
    assert "Settings in x.config could not be replaced: it is not a text file" in run.text
    off = {f"{PREFIX}.AutomaticallyUpdateAppSettingsAndConnectionStrings": "False"}
    assert deploy(agent, files, **off).exit["exit"] == 0
