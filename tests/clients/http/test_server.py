"""The feed behind the real web process: curl, chunked bodies, races, large files, ends."""

import json
import os
import shutil
import socket
import subprocess
import threading
import zipfile
from pathlib import Path

import pytest

from tests.clients.feed_server import FeedServer, write_package
from tests.factories.packages import nupkg, zip_of
from tests.support.processes import Processes, wait_until
from tests.support.server import OctopusServer, make_server


def curl(feed: FeedServer, path: str, *options: str) -> tuple[int, str]:
    program = shutil.which("curl")
    assert program
    key = f"X-Octopus-ApiKey: {feed.key}"
    result = subprocess.run(
        [program, "-sS", "-w", "\n%{http_code}", "-H", key, *options, feed.url + path],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    body, _, status = result.stdout.rpartition("\n")
    return int(status), body


def test_curl_by_form_and_by_body(feed: FeedServer, tmp_path: Path) -> None:
    package = write_package(tmp_path, "Curl.Form", "1.0.0")
    assert curl(feed, "/nuget/packages", "-F", f"data=@{package}")[0] == 201
    package = write_package(tmp_path, "Curl.Body", "1.0.0")
    assert curl(feed, "/nuget/packages", "-T", str(package))[0] == 201
    plain = tmp_path / "Curl.Zip.1.0.0-rc.1.zip"
    plain.write_bytes(zip_of({"a": b"1"}))
    status, body = curl(feed, "/api/packages/raw", "-F", f"file=@{plain}")
    assert (status, json.loads(body)["Id"]) == (201, "packages-Curl.Zip.1.0.0-rc.1")
    assert curl(feed, "/nuget/packages", "-F", f"data=@{plain}")[0] == 409


@pytest.mark.parametrize("size", [700_000, 5_000_000])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_chunked_forms(feed: FeedServer, tmp_path: Path, method: str, size: int) -> None:
    name = f"Curl.Chunked{method}.1.0.{size}"
    plain = tmp_path / f"{name}.zip"
    plain.write_bytes(zip_of({"a": os.urandom(size)}))
    chunked = ("-X", method, "-H", "Transfer-Encoding: chunked", "-F", f"file=@{plain}")
    assert curl(feed, "/api/packages/raw", *chunked)[0] == 201
    status, body = curl(feed, "/api/packages/raw", *chunked)
    assert (status, "already exists" in body) == (409, True)
    status, _, data = feed.send(
        "GET", f"/api/packages/packages-{name}/raw", X_Octopus_ApiKey=feed.key
    )
    assert (status, data) == (200, plain.read_bytes())


def test_of_many_equal_pushes_at_once_one_wins(feed: FeedServer) -> None:
    statuses: list[int] = []

    def push(number: int) -> None:
        data = nupkg("Race", "1.0.0", content=str(number).encode())
        status, _, _ = feed.send(
            "PUT", "/nuget/packages", data, Content_Type="application/octet-stream"
        )
        statuses.append(status)

    threads = [threading.Thread(target=push, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, *[409] * 15]
    status, _, data = feed.send("GET", "/nuget/package/Race/1.0.0")
    assert status == 200
    assert data in [nupkg("Race", "1.0.0", content=str(number).encode()) for number in range(16)]
    storage = feed.server.data_dir / "storage"
    assert list((storage / "incoming").iterdir()) == []


def test_a_client_that_goes_away_leaves_nothing(feed: FeedServer) -> None:
    data = nupkg("Half", "1.0.0", content=os.urandom(500_000))
    with socket.create_connection(("127.0.0.1", feed.server.web_port)) as connection:
        head = (
            f"PUT /nuget/packages HTTP/1.1\r\nHost: x\r\nX-NuGet-ApiKey: {feed.key}\r\n"
            f"Content-Type: application/octet-stream\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        connection.sendall(head.encode())
        connection.sendall(data[:200_000])
    assert feed.versions("Half") == []
    feed.push("Half", "1.0.0")
    incoming = feed.server.data_dir / "storage" / "incoming"
    wait_until(lambda: not list(incoming.iterdir()), what="the end of half a package")


def test_a_large_file_streams_both_ways(feed: FeedServer, tmp_path: Path) -> None:
    package = tmp_path / "Large.1.0.0.zip"
    with zipfile.ZipFile(package, "w") as archive:
        for number in range(120):
            archive.writestr(f"{number}.bin", os.urandom(1_000_000))
    before = _memory(feed)
    assert curl(feed, "/api/packages/raw", "-F", f"file=@{package}")[0] == 201
    fetched = tmp_path / "fetched.zip"
    raw = "/api/packages/packages-Large.1.0.0/raw"
    assert curl(feed, raw, "-o", str(fetched))[0] == 200
    assert fetched.read_bytes() == package.read_bytes()
    assert curl(feed, raw, "-o", str(fetched), "-r", "5-9")[0] == 206
    assert fetched.read_bytes() == package.read_bytes()[5:10]
    assert _memory(feed) - before < 60_000_000


def _memory(feed: FeedServer) -> int:
    """Return the resident bytes of all processes of the feed's session."""
    total = 0
    for pid in feed.server.processes.descendants():
        fields = Path(f"/proc/{pid}/statm").read_text().split()
        total += int(fields[1]) * os.sysconf("SC_PAGE_SIZE")
    return total


def test_packages_in_a_bucket(feed_on_s3: FeedServer) -> None:
    feed = feed_on_s3
    feed.push("In.Bucket", "1.0.0")
    data = nupkg("In.Bucket", "1.0.0")
    assert feed.send("GET", "/nuget/package/In.Bucket/1.0.0")[2] == data
    status, _, part = feed.send("GET", "/nuget/package/In.Bucket/1.0.0", Range="bytes=3-9")
    assert (status, part) == (206, data[3:10])
    assert (
        b"<id>In.Bucket</id>"
        in feed.send("GET", "/nuget/v3/flat/in.bucket/1.0.0/in.bucket.nuspec")[2]
    )
    assert feed.send("DELETE", "/nuget/packages/In.Bucket/1.0.0")[0] == 204
    assert not (feed.server.data_dir / "storage").exists()


def test_any_node_takes_the_next_piece(
    feed_on_s3: FeedServer, session_processes: Processes, tmp_path: Path
) -> None:
    first, data = feed_on_s3, zip_of({"a.bin": os.urandom(3_000_000)})
    second = FeedServer(node_beside(first.server, session_processes, tmp_path / "second"))
    body = {"Name": "Acme.Nodes.1.0.0.zip", "Size": len(data)}
    upload = first.server.call("POST", "/api/packages/uploads", body)
    place = upload["Links"]["Self"]
    for number, start in enumerate(range(0, len(data), 1_000_000)):
        piece = data[start : start + 1_000_000]
        node = (first, second)[number % 2]
        span = f"bytes {start}-{start + len(piece) - 1}/{len(data)}"
        assert node.send("PUT", place, piece, Content_Range=span)[0] == 200
    assert first.get(place)["Received"] == second.get(place)["Received"] == len(data)
    assert second.server.call("POST", f"{place}/complete")["Id"] == "packages-Acme.Nodes.1.0.0"
    assert first.send("GET", "/api/packages/packages-Acme.Nodes.1.0.0/raw")[2] == data


def node_beside(server: OctopusServer, processes: Processes, folder: Path) -> OctopusServer:
    """Start a second web process that shares database and bucket with the first, but no folder."""
    database = server.data_dir / "octopus.sqlite3"
    environment = {**server.environment, "OCTOPUS_DATABASE_URL": f"sqlite:///{database}"}
    node = make_server(processes, folder, environment)
    node.environment.update(
        OCTOPUS_DATA_DIR=str(node.data_dir),
        OCTOPUS_WEB_PORT=str(node.web_port),
        OCTOPUS_SERVER_URL=node.url,
    )
    web = node.command("web", "--host", "127.0.0.1", "--workers", "1")
    web.wait_for_port(node.web_port, seconds=60)
    return node
