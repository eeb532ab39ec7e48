"""The sample application: its package, and what each of its files must be once deployed."""

import io
import zipfile
from collections.abc import Mapping

PACKAGE_ID = "Acme.Web"
ROLE = "web-server"
ENVIRONMENTS = ("Development", "Production")
MACHINES = ("web01", "web02")
GREETINGS = {"Development": "Hello, developers", "Production": "Hello, world"}
DATABASE_PASSWORD = "correct horse battery staple"  # noqa: S105 a sample value

_TEMPLATE = (
    "environment = #{Octopus.Environment.Name}\r\n"
    "machine = #{Octopus.Machine.Name}\r\n"
    "release = #{Octopus.Release.Number}\r\n"
    "greeting = #{Greeting}\r\n"
    "#{if Debug}debug = on#{else}debug = off#{/if}\r\n"
    "untouched = ##{Greeting}\r\n"
)
_PAGE = "<!doctype html>\n<title>Acme</title>\n<h1>Acme Web #{not a template}</h1>\n"
_BINARY = bytes(range(256)) * 40

_PRE_DEPLOY = "echo \"Preparing $(get_octopusvariable 'Octopus.Environment.Name')\"\n"
_DEPLOY = (
    "set -e\n"
    "release=$(get_octopusvariable 'Octopus.Release.Number')\n"
    "printf 'deployed by %s\\n' \"$release\" > deployed.txt\n"
    "set_octopusvariable 'DeployedFile' 'deployed.txt'\n"
)
_POST_DEPLOY = 'write_highlight "Acme Web is in place"\n'


def package(version: str) -> bytes:
    """Return the sample's zip archive for a version."""
    files: dict[str, bytes] = {
        "index.html": _PAGE.encode(),
        "config/app.settings": _TEMPLATE.encode(),
        "assets/picture.bin": _BINARY,
        "version.txt": f"{version}\n".encode(),
        "PreDeploy.sh": _PRE_DEPLOY.encode(),
        "Deploy.sh": _DEPLOY.encode(),
        "PostDeploy.sh": _POST_DEPLOY.encode(),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def expected_files(
    *, environment: str, machine: str, release: str, version: str
) -> Mapping[str, bytes]:
    """Return every file that must be in the installation folder, byte for byte."""
    debug = "on" if environment == "Development" else "off"
    settings = (
        f"environment = {environment}\r\n"
        f"machine = {machine}\r\n"
        f"release = {release}\r\n"
        f"greeting = {GREETINGS[environment]} from {machine}\r\n"
        f"debug = {debug}\r\n"
        "untouched = #{Greeting}\r\n"
    )
    return {
        "index.html": _PAGE.encode(),
        "config/app.settings": settings.encode(),
        "assets/picture.bin": _BINARY,
        "version.txt": f"{version}\n".encode(),
        "deployed.txt": f"deployed by {release}\n".encode(),
        "verified.txt": f"{machine} has deployed.txt\n".encode(),
    }


def variables(environment_ids: Mapping[str, str]) -> list[dict[str, object]]:
    """Return the project's variables as the REST API takes them."""
    scoped: list[dict[str, object]] = [
        {
            "Name": "Greeting",
            "Value": f"{text} from #{{Octopus.Machine.Name}}",
            "Type": "String",
            "Scope": {"Environment": [environment_ids[environment]]},
        }
        for environment, text in GREETINGS.items()
    ]
    debug: dict[str, object] = {"Name": "Debug", "Value": "True", "Type": "String"}
    return [
        *scoped,
        {**debug, "Scope": {"Environment": [environment_ids["Development"]]}},
        {**debug, "Value": "False", "Scope": {}},
        {
            "Name": "Database.Password",
            "Value": DATABASE_PASSWORD,
            "Type": "Sensitive",
            "IsSensitive": True,
            "Scope": {},
        },
    ]


def process_steps() -> list[dict[str, object]]:
    """Return the steps: announce on the server, deploy the package, verify on each target."""
    return [
        _step(
            "Announce",
            _script(
                'echo "Release #{Octopus.Release.Number} goes to #{Octopus.Environment.Name}"\n'
                'for part in 1 2 3; do update_progress $((part * 33)) "part $part"; done\n',
                **{"Octopus.Action.RunOnServer": "true"},
            ),
        ),
        _step("Deploy the web site", _deploy(), roles=ROLE),
        _step(
            "Verify",
            _script(
                "set -e\n"
                "folder=$(get_octopusvariable 'Octopus.Action[Deploy the web site]"
                ".Output.Package.InstallationDirectoryPath')\n"
                "file=$(get_octopusvariable 'Octopus.Action[Deploy the web site]"
                ".Output.DeployedFile')\n"
                'test -s "$folder/$file"\n'
                "printf '%s has %s\\n' \"$(get_octopusvariable 'Octopus.Machine.Name')\" \"$file\""
                ' > "$folder/verified.txt"\n'
                "echo \"The password is $(get_octopusvariable 'Database.Password')\"\n"
            ),
            roles=ROLE,
        ),
    ]


def _step(name: str, action: dict[str, object], roles: str = "") -> dict[str, object]:
    return {
        "Name": name,
        "Condition": "Success",
        "StartTrigger": "StartAfterPrevious",
        "Properties": {"Octopus.Action.TargetRoles": roles} if roles else {},
        "Actions": [{"Name": name, **action}],
    }


def _script(body: str, **properties: str) -> dict[str, object]:
    return {
        "ActionType": "Octopus.Script",
        "Properties": {
            "Octopus.Action.Script.ScriptSource": "Inline",
            "Octopus.Action.Script.Syntax": "Bash",
            "Octopus.Action.Script.ScriptBody": body,
            **properties,
        },
    }


def _deploy() -> dict[str, object]:
    return {
        "ActionType": "Octopus.TentaclePackage",
        "Packages": [
            {
                "Name": "",
                "PackageId": PACKAGE_ID,
                "FeedId": "feeds-builtin",
                "AcquisitionLocation": "Server",
                "Properties": {},
            }
        ],
        "Properties": {
            "Octopus.Action.Package.PackageId": PACKAGE_ID,
            "Octopus.Action.Package.FeedId": "feeds-builtin",
            "Octopus.Action.EnabledFeatures": "Octopus.Features.SubstituteInFiles",
            "Octopus.Action.SubstituteInFiles.TargetFiles": "config/*.settings",
        },
    }
