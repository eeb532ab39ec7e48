"""Octopus's own clients make, read, replace, use and delete accounts and certificates."""

import base64
import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deployments.library.account_types import BY_VARIABLE_TYPE
from tests.clients.targets import step_of_script
from tests.factories.certificates import Issued, issue
from tests.support.clients import Client
from tests.support.processes import wait_until
from tests.support.server import API_KEY, OctopusServer

SCRIPT = Path(__file__).with_name("credentials.mjs")
PASSWORD, NEWER, OF_FILE = "pa55word-of-db", "newer-pa55word", "pa55word-of-pfx"
TOKEN, AWS = "t0ken-of-robot", "aws-s3cret-key"
HIDDEN = {"HasValue": True, "NewValue": None}
# What deployments print: enough to tell which secret came, and nothing of it.
PRINTED = {
    "password": "UsernamePassword.Password",
    "token": "Token.Token",
    "aws": "AmazonWebServicesAccount.SecretKey",
    "key": "SshKeyPair.PrivateKeyFile",
    "pfx password": "Site.Password",
    "certificate": "Site.Certificate",
}


def private_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def accounts(key: str) -> list[dict[str, Any]]:
    def secret(text: str) -> dict[str, Any]:
        return {"HasValue": True, "NewValue": text}

    encoded = base64.b64encode(key.encode()).decode()
    everywhere: dict[str, Any] = {"EnvironmentIds": [], "TenantIds": [], "TenantTags": []}
    common = {**everywhere, "TenantedDeploymentParticipation": "Untenanted", "Description": ""}
    return [
        {**common, "AccountType": kind, "Name": name, **values}
        for kind, name, values in (
            ("UsernamePassword", "Database", {"Username": "shop", "Password": secret(PASSWORD)}),
            ("Token", "Robot", {"Token": secret(TOKEN)}),
            (
                "AmazonWebServicesAccount",
                "Cloud",
                {"AccessKey": "AKIA1", "SecretKey": secret(AWS), "Region": ""},
            ),
            ("SshKeyPair", "Root", {"Username": "root", "PrivateKeyFile": secret(encoded)}),
            ("GenericOidcAccount", "Trusted", {"Audience": "api://shop"}),
        )
    ]


class Journey:
    """A space with a project whose step prints what its variables hold."""

    def __init__(self, server: OctopusServer, node: Client, name: str) -> None:
        self.server, self.node = server, node
        me = server.call("GET", "/api/users/me")
        space = {"Name": name, "SpaceManagersTeamMembers": [me["Id"]]}
        self.space = server.call("POST", "/api/spaces", space)
        self.path = f"/api/{self.space['Id']}"
        self.key, self.site = private_key(), issue()
        self.environment = self.call("POST", "environments", {"Name": "Production"})
        groups, lifecycles = (
            self.call("GET", "projectgroups/all"),
            self.call("GET", "lifecycles/all"),
        )
        project = {
            "Name": "Shop",
            "ProjectGroupId": groups[0]["Id"],
            "LifecycleId": lifecycles[0]["Id"],
        }
        self.project = self.call("POST", "projects", project)
        lines = [
            f'echo "{name}=$(get_octopusvariable "{variable}" | sha256sum)"'
            for name, variable in PRINTED.items()
        ]
        lines.append("echo \"clear=$(get_octopusvariable 'UsernamePassword.Password')\"")
        process = self.call("GET", f"projects/{self.project['Id']}/deploymentprocesses")
        process["Steps"] = [step_of_script("Look", "\n".join(lines))]
        self.call("PUT", f"projects/{self.project['Id']}/deploymentprocesses", process)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self.server.call(method, f"{self.path}/{path}", body)

    def run(self, part: str, **more: Any) -> dict[str, Any]:
        settings = {
            "part": part,
            "url": self.server.url,
            "key": API_KEY,
            "space": self.space["Id"],
            "spaceName": self.space["Name"],
            "project": self.project["Id"],
            "accounts": accounts(self.key),
            "types": {each.name: kind for kind, each in BY_VARIABLE_TYPE.items()},
            "pfx": base64.b64encode(self.site.pfx(OF_FILE)).decode(),
            "password": OF_FILE,
            "newer": NEWER,
            **more,
        }
        environment = {**self.node.environment, "JOURNEY": json.dumps(settings)}
        client = Client(self.node.command, self.node.home, environment)
        text = client.run(str(SCRIPT), seconds=120).stdout
        for each in (PASSWORD, NEWER, OF_FILE, TOKEN, AWS, *self.key.splitlines()[1:-1]):
            assert each not in text, f"{part} read {each}"
        answer: dict[str, Any] = json.loads(text.splitlines()[-1])
        return answer

    def printed(self, version: str) -> dict[str, str]:
        """Deploy, and return what the step printed."""
        release = {"ProjectId": self.project["Id"], "Version": version}
        made = self.call("POST", "releases", release)
        wanted = {"ReleaseId": made["Id"], "EnvironmentId": self.environment["Id"]}
        task = self.call("POST", "deployments", wanted)["TaskId"]
        wait_until(
            lambda: self.server.call("GET", f"/api/tasks/{task}")["IsCompleted"],
            seconds=60,
            what="the deployment",
        )
        details = self.server.call("GET", f"/api/tasks/{task}/details")
        assert details["Task"]["State"] == "Success", details
        found = [re.match(r"([a-z ]+)=(\S*)", text) for text in texts_of(details["ActivityLogs"])]
        return {each[1]: each[2] for each in found if each}


def texts_of(logs: list[dict[str, Any]]) -> Iterator[str]:
    for each in logs:
        yield from (line["MessageText"] for line in each["LogElements"])
        yield from texts_of(each["Children"])


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def hashes(password: str, key: str, site: Issued) -> dict[str, str]:
    return {
        "password": hashed(password),
        "token": hashed(TOKEN),
        "aws": hashed(AWS),
        "key": hashed(key),
        "pfx password": hashed(OF_FILE),
        "certificate": hashed(base64.b64encode(site.der).decode()),
        "clear": "********",
    }


def test_the_last_client_with_repositories_of_them(octopus: OctopusServer, node: Client) -> None:
    journey = Journey(octopus, node, "Credentials")
    seen = journey.run("createAll")
    read = seen["accounts"]
    assert read["UsernamePassword"]["Username"] == "shop"
    assert read["UsernamePassword"]["Password"] == HIDDEN
    assert read["Token"]["Token"] == HIDDEN
    assert read["SshKeyPair"]["PrivateKeyFile"] == HIDDEN
    assert read["SshKeyPair"]["PrivateKeyPassphrase"] == {"HasValue": False, "NewValue": None}
    assert read["GenericOidcAccount"]["Audience"] == "api://shop"
    assert [each["Name"] for each in seen["all"]] == [
        *("Cloud", "Database", "Robot", "Root", "Trusted"),
    ]
    assert [each["Name"] for each in seen["tokens"]["Items"]] == ["Robot"]
    assert [each["Name"] for each in seen["certificates"]["Items"]] == ["own.example"]
    assert seen["certificate"]["HasPrivateKey"]
    assert seen["certificate"]["SubjectCommonName"] == "shop.example.com"
    assert seen["selfSigned"]["SelfSigned"]
    assert [each["status"] for each in seen["refused"]] == [400] * 4
    assert [each["message"].split("\n")[1] for each in seen["refused"][:2]] == [
        "Pool: there is no worker pool 'WorkerPools-9999' that you may see.",
        "Db: Site is named by variables of the type Certificate.",
    ]
    names = {each["Name"] for each in seen["variables"]["Variables"]}
    assert names == {*read, "Site", "Pool"}
    assert {each["Name"] for each in seen["preview"]["Variables"]} == names
    [used] = seen["usages"]["ProjectVariableSets"]
    assert used["ProjectId"] == journey.project["Id"]
    assert journey.printed("1.0.0") == hashes(PASSWORD, journey.key, journey.site)

    journey.site = issue(days=30)
    changed = journey.run("replaceAll")
    assert changed["kept"]["Description"] == "Ours"
    assert changed["replaced"]["Password"] == HIDDEN
    assert changed["renewed"]["Id"] == seen["certificate"]["Id"]
    assert changed["renewed"]["Thumbprint"] != seen["certificate"]["Thumbprint"]
    assert changed["noted"]["Notes"] == changed["renewed"]["Notes"] == "Renewed"
    [old] = changed["archived"]
    assert old["ReplacedBy"] == changed["renewed"]["Id"]
    assert x509.load_pem_x509_certificate(changed["pem"].encode()) == journey.site.certificate
    assert "PRIVATE KEY" not in changed["pem"]
    assert changed["away"]["Archived"]
    assert not changed["back"]["Archived"]
    assert journey.printed("1.0.1") == hashes(NEWER, journey.key, journey.site)

    removed = journey.run("removeAll")
    assert [each["status"] for each in removed["used"]] == [400, 400]
    assert all("cannot be deleted because it is used by" in e["message"] for e in removed["used"])
    assert removed["gone"]["status"] == 404
    assert removed["accounts"] == removed["certificates"] == []


def test_the_current_client(octopus: OctopusServer, node: Client) -> None:
    journey = Journey(octopus, node, "Credentials now")
    seen = journey.run("withTheCurrentOne")
    assert seen["made"]["Password"] == seen["kept"]["Password"] == HIDDEN
    assert seen["changed"]["Description"] == "Kept"
    assert [each["Id"] for each in seen["found"]["Items"]] == [seen["made"]["Id"]]
    assert seen["refused"]["status"] == 400
    assert "already exists" in seen["refused"]["message"]
    assert seen["noted"]["Thumbprint"] == seen["site"]["Thumbprint"]
    assert [each["Notes"] for each in seen["listed"]["Items"]] == ["Noted"]
    assert [each["TotalResults"] for each in seen["left"]] == [0, 0]
