"""OpenStack Swift speaking S3: four real processes, one replica, in a temporary folder."""

import base64
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from tests.support.processes import Process, Processes, free_port
from tests.tools.install import SWIFT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "octopus:tester"
SECRET = "s3-test-secret"
# What Swift encrypts with; a store that encrypts nothing refuses to be asked for it.
_ROOT_SECRET = base64.b64encode(b"a root secret of 32 bytes, no less").decode()
_KINDS = ("account", "container", "object")

_BUILD_RINGS = """
import json, sys
from swift.common.ring import RingBuilder
for kind, port in json.load(sys.stdin).items():
    builder = RingBuilder(2, 1, 0)
    builder.add_dev(
        {"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "disk",
         "weight": 1.0, "meta": "", "replication_ip": "127.0.0.1", "replication_port": port}
    )
    builder.rebalance()
    builder.get_ring().save(f"{kind}.ring.gz")
"""

_STORE = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
devices = {folder}/devices
swift_dir = {folder}
user = {user}
mount_check = false
workers = 0
log_address = {folder}/no-log-device
log_level = WARNING
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""

_PROXY = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
swift_dir = {folder}
user = {user}
workers = 0
log_address = {folder}/no-log-device
log_level = WARNING
[pipeline:main]
pipeline = catch_errors proxy-logging cache listing_formats s3api tempauth bulk slo dlo \
versioned_writes symlink keymaster encryption proxy-logging proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_octopus_tester = {secret} .admin
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
location = us-east-1
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:proxy-logging]
use = egg:swift#proxy_logging
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
[filter:symlink]
use = egg:swift#symlink
[filter:keymaster]
use = egg:swift#keymaster
encryption_root_secret = {root_secret}
[filter:encryption]
use = egg:swift#encryption
"""


@dataclass(frozen=True)
class S3Store:
    """A running store and a bucket in it."""

    endpoint: str
    key: str
    secret: str
    bucket: str
    processes: Processes

    @property
    def storage_url(self) -> str:
        """Return the value for OCTOPUS_STORAGE_URL; the credentials go in `environment`."""
        return f"s3://{self.bucket}/octopus?endpoint={self.endpoint}"

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables through which boto3 finds the credentials."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
        }


def start_swift(processes: Processes, folder: Path) -> str:
    """Start the four servers; returns the endpoint once it answers."""
    (folder / "devices" / "disk").mkdir(parents=True)
    ports = {kind: free_port() for kind in _KINDS}
    (folder / "swift.conf").write_text(
        "[swift-hash]\nswift_hash_path_prefix = octopus\nswift_hash_path_suffix = test\n"
    )
    subprocess.run(
        [SWIFT / "bin" / "python", "-c", _BUILD_RINGS],
        input=json.dumps(ports).encode(),
        cwd=folder,
        check=True,
        capture_output=True,
    )
    user = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()
    servers = []
    for kind, port in ports.items():
        text = _STORE.format(kind=kind, port=port, folder=folder, user=user)
        servers.append((_start(processes, folder, kind, text), port))
    proxy_port = free_port()
    text = _PROXY.format(
        port=proxy_port, folder=folder, user=user, secret=SECRET, root_secret=_ROOT_SECRET
    )
    servers.append((_start(processes, folder, "proxy", text), proxy_port))
    for process, port in servers:
        process.wait_for_port(port, seconds=40)
    return f"http://127.0.0.1:{proxy_port}"


def _start(processes: Processes, folder: Path, kind: str, text: str) -> Process:
    path = folder / f"{kind}-server.conf"
    path.write_text(text)
    python = SWIFT / "bin" / "python"
    program = SWIFT / "bin" / f"swift-{kind}-server"
    return processes.start(
        f"swift-{kind}",
        [python, program, path],
        environment={"SWIFT_TEST_FOLDER": str(folder)},
        working_folder=folder,
    )


@pytest.fixture(scope="session")
def swift(session_processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> S3Store:
    """Give a running store with an empty bucket `packages`; about five seconds once a session."""
    endpoint = start_swift(session_processes, tmp_path_factory.mktemp("swift"))
    store = S3Store(endpoint, KEY, SECRET, "packages", session_processes)
    s3_client(store).create_bucket(Bucket=store.bucket)
    return store


def s3_client(store: S3Store) -> "S3Client":
    """Return a plain boto3 client, to look into the store from outside."""
    return boto3.client(
        "s3",
        endpoint_url=store.endpoint,
        aws_access_key_id=store.key,
        aws_secret_access_key=store.secret,
        region_name="us-east-1",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
