"""Where the feed is measured: a server on PostgreSQL, and nginx beside it or in front of it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.lab import API_KEY, Lab, open_lab
from tests.support.nginx import start_nginx
from tests.support.processes import Processes, free_port
from tests.tools.install import nginx_program

KEY = {"X-NuGet-ApiKey": API_KEY}
_STORE = """{user}
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ }}
http {{
    access_log off;
    sendfile on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/files;
        client_max_body_size 0;
        dav_methods PUT;
        create_full_put_path on;
    }}
}}
"""


@dataclass(frozen=True)
class Place:
    """The server, `proxy` in front of it as docs/production.md says, and a `plain` nginx."""

    lab: Lab
    url: str
    proxy: str
    plain: str
    files: Path
    """What the plain nginx has been sent and may be asked for."""


@contextmanager
def open_place() -> Iterator[Place]:
    """Start all of it for the length of the block."""
    os.environ["OCTOPUS_SEND_FILES"] = "x-accel-redirect"
    with open_lab() as lab:
        processes = Processes(lab.folder / "nginx-logs")
        try:
            port = lab.supervisor.configuration.web_port
            storage = lab.folder / "storage"
            proxy = start_nginx(processes, lab.folder / "proxy", web_port=port, storage=storage)
            folder = lab.folder / "plain"
            plain = _start_store(processes, folder)
            url = f"http://127.0.0.1:{port}"
            yield Place(lab, url, proxy, plain, folder / "files")
        finally:
            processes.stop_all()


def _start_store(processes: Processes, folder: Path) -> str:
    """Start an nginx that keeps what it is sent and does nothing else."""
    (folder / "files").mkdir(parents=True)
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(_STORE.format(folder=folder, port=port, user=user))
    program = nginx_program()
    if not program:
        raise RuntimeError("nginx is not installed")
    process = processes.start("plain", [program, "-p", folder, "-c", configuration])
    process.wait_for_port(port, seconds=30)
    return f"http://127.0.0.1:{port}"
