"""Java archives in a real runner: configured inside, packed as they were."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

Agent = Any
PACKAGE = "Octopus.Action.Package"
STORED = b"PK nested archive"


def war(**more: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\n")
        archive.writestr(zipfile.ZipInfo("WEB-INF/", (2020, 1, 2, 3, 4, 6)), b"")
        kept = zipfile.ZipInfo("WEB-INF/lib/a.jar", (2020, 1, 2, 3, 4, 6))
        archive.writestr(kept, STORED, zipfile.ZIP_STORED)
        page = zipfile.ZipInfo("index.jsp", (2020, 1, 2, 3, 4, 6))
        archive.writestr(page, b"#{Color} " * 50, zipfile.ZIP_DEFLATED)
        archive.writestr("WEB-INF/app.properties", b"color=red\n")
        for name, data in more.items():
            archive.writestr(name.replace("__", "."), data)
    return buffer.getvalue()


def deploy(agent: Agent, data: bytes, extension: str = ".war", **more: str) -> Any:
    given = {
        "Octopus.Environment.Name": "Staging",
        "OctopusSkipFreeDiskSpaceCheck": "True",
        "Octopus.Action.EnabledFeatures": "Octopus.Features.SubstituteInFiles,"
        "Octopus.Features.JsonConfigurationVariables,Octopus.Features.CustomScripts",
        "Octopus.Action.SubstituteInFiles.TargetFiles": "index.jsp",
        f"{PACKAGE}.JsonConfigurationVariablesTargets": "WEB-INF/*.properties",
        "Color": "green",
    }
    given |= {name.replace("__", "."): value for name, value in more.items()}
    package = agent.add_package(data, extension)
    return agent.run(given, kind="deploy_java_archive", packages=[package])


def test_it_is_packed_as_it_was(agent: Agent, tmp_path: Path) -> None:
    live = tmp_path / "webapps"
    run = deploy(
        agent,
        war(PreDeploy__sh=b"echo fresh > WEB-INF/fresh.txt"),
        **{
            f"{PACKAGE}.CustomInstallationDirectory": str(live),
            f"{PACKAGE}.CustomPackageFileName": "shop-#{Color}.war",
            "Octopus.Action.CustomScripts.Deploy.sh": "ls > seen.txt",
        },
    )
    assert run.exit["exit"] == 0, run.text
    assert sorted(path.name for path in live.iterdir()) == ["seen.txt", "shop-green.war"]
    assert (live / "seen.txt").read_text() == "seen.txt\nshop-green.war\n"
    with zipfile.ZipFile(live / "shop-green.war") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "META-INF/MANIFEST.MF",
            "WEB-INF/",
            "WEB-INF/lib/a.jar",
            "index.jsp",
            "WEB-INF/app.properties",
            "WEB-INF/fresh.txt",
        ]
        assert archive.read("index.jsp") == b"green " * 50
        assert archive.read("WEB-INF/app.properties") == b"color=green\n"
        nested = archive.getinfo("WEB-INF/lib/a.jar")
        assert (nested.compress_type, nested.date_time) == (
            zipfile.ZIP_STORED,
            (2020, 1, 2, 3, 4, 6),
        )
        assert archive.getinfo("index.jsp").compress_type == zipfile.ZIP_DEFLATED
    installed = Path(run.outputs["Package.InstallationPackagePath"])
    assert [path.name for path in installed.parent.iterdir()] == ["shop-green.war"]


def test_the_files_may_be_deployed(agent: Agent) -> None:
    run = deploy(agent, war(), **{"Octopus.Action.JavaArchive.DeployExploded": "True"})
    place = Path(run.outputs["Package.InstallationDirectoryPath"])
    assert (place / "index.jsp").read_bytes() == b"green " * 50
    assert "Package.InstallationPackagePath" not in run.outputs


def test_the_archive_may_stay_closed(agent: Agent, tmp_path: Path) -> None:
    live = tmp_path / "webapps"
    closed = {"Octopus.Action.Java.JavaArchiveExtractionDisabled": "True"}
    data = war(PreDeploy__sh=b"exit 1")
    run = deploy(
        agent,
        data,
        **closed,
        **{
            f"{PACKAGE}.CustomInstallationDirectory": str(live),
            f"{PACKAGE}.CustomPackageFileName": "shop.war",
            "Octopus.Action.CustomScripts.Deploy.sh": "ls > seen.txt",
        },
    )
    assert run.exit["exit"] == 0, run.text
    assert not run.warnings
    assert (live / "shop.war").read_bytes() == data
    assert (live / "seen.txt").read_text() == "seen.txt\nshop.war\n"
    assert Path(run.outputs["Package.InstallationPackagePath"]).name == "shop.war"
    refused = deploy(agent, data, **closed, **{f"{PACKAGE}.CustomPackageFileName": "a/b.war"})
    assert "is no file name" in refused.exit["message"]
    opened = deploy(agent, war(), **closed, **{"Octopus.Action.JavaArchive.DeployExploded": "True"})
    place = Path(opened.outputs["Package.InstallationDirectoryPath"])
    assert (place / "index.jsp").read_bytes() == b"green " * 50


def test_the_default_name_and_signatures(agent: Agent) -> None:
    signed = io.BytesIO(war())
    with zipfile.ZipFile(signed, "a") as archive:
        archive.writestr("META-INF/A.SF", b"signature")
    run = deploy(agent, signed.getvalue(), ".jar")
    assert run.outputs["Package.InstallationPackagePath"].endswith("/Acme.Web.1.0.0.jar")
    assert "Acme.Web.1.0.0.jar was signed" in run.text


@pytest.mark.parametrize(
    ("extension", "name", "words"),
    [
        (".war", "../x.war", "is no file name"),
        (".war", "#{Missing}.war", "cannot be resolved"),
    ],
)
def test_what_cannot_be_packed(agent: Agent, extension: str, name: str, words: str) -> None:
    run = deploy(agent, war(), extension, **{f"{PACKAGE}.CustomPackageFileName": name})
    assert run.exit["exit"] == 1
    assert words in run.exit["message"]
