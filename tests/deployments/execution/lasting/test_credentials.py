"""A script that uses an account, a certificate and a token, from the REST API to a real agent."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from tests.clients.targets import Target, start_targets
from tests.deployments.execution.lasting.test_real_agents import (
    S,
    deploy,
    make_project,
    raw,
    script,
)
from tests.factories.certificates import site
from tests.support.processes import Processes
from tests.support.server import OctopusServer

SECRET = "a-long-pa55word"
BODY = """
password="$(get_octopusvariable "Db.Password")"
echo "as #{Db.Username} with $password"
printf '%s' "$password" | sha256sum > "#{Folder}/password"
get_octopusvariable "Site.PrivateKeyPem" > "#{Folder}/site.key"
get_octopusvariable "Site.CertificatePem" > "#{Folder}/site.crt"
echo "thumbprint #{Site.Thumbprint}"
get_octopusvariable "Octopus.OpenIdConnect.Jwt" > "#{Folder}/token"
cat "#{Folder}/token"
"""


def test_a_script_uses_an_account_a_certificate_and_a_token(
    octopus: OctopusServer, processes: Processes, tmp_path: Path
) -> None:
    place = octopus.call("POST", f"{S}/environments", {"Name": "Vault"})["Id"]
    start_targets(processes, octopus, tmp_path, [Target("vault-east", ["Vault"])])
    account = {"AccountType": "UsernamePassword", "EnvironmentIds": [place], "Username": "shop"}
    database = octopus.call(
        "POST", f"{S}/accounts", {**account, "Name": "Vault", "Password": {"NewValue": SECRET}}
    )
    cloud = octopus.call(
        "POST", f"{S}/accounts", {"Name": "Vault cloud", "AccountType": "GenericOidcAccount"}
    )
    data = base64.b64encode(site().pfx("pa55")).decode()
    certificate = octopus.call(
        "POST",
        f"{S}/certificates",
        {"Name": "Vault", "CertificateData": {"NewValue": data}, "Password": {"NewValue": "pa55"}},
    )
    project = make_project(octopus, "Vault", place, script("Use", BODY, "web"))
    path = f"{S}/variables/{project['VariableSetId']}"
    stored = octopus.call("GET", path)
    stored["Variables"] = [
        {"Name": "Db", "Type": "UsernamePasswordAccount", "Value": database["Id"]},
        {"Name": "Site", "Type": "Certificate", "Value": certificate["Id"]},
        {"Name": "Cloud", "Type": "GenericOidcAccount", "Value": cloud["Id"]},
        {"Name": "Folder", "Value": str(tmp_path)},
    ]
    octopus.call("PUT", path, stored)
    task: dict[str, Any] = deploy(octopus, project, place)
    log = raw(octopus, task["Id"])
    assert task["State"] == "Success", log
    digest = hashlib.sha256(SECRET.encode()).hexdigest()
    assert (tmp_path / "password").read_text().split()[0] == digest
    assert (tmp_path / "site.key").read_bytes() == site().key_pem()
    assert (tmp_path / "site.crt").read_bytes() == site().pem
    token = (tmp_path / "token").read_text()
    assert token.count(".") == 2
    assert "as shop with ********" in log
    assert f"thumbprint {certificate['Thumbprint']}" in log
    for secret in (SECRET, token):
        assert secret not in log
