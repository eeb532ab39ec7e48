"""Debian's nginx in front of a server, with the settings that docs/production.md shows."""

import os
import re
from pathlib import Path

from tests.support.processes import Processes, free_port
from tests.tools.install import ROOT, nginx_program

_AROUND = """{user}
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""
_NEEDS_A_NAME = re.compile(r"^ *(?:server_name|ssl_\w+) .*\n", re.MULTILINE)


def documented_server() -> str:
    """Return the block `server` of docs/production.md."""
    text = (ROOT / "docs" / "production.md").read_text(encoding="utf-8")
    block = re.search(r"^    server \{\n.*?^    \}\n", text, re.MULTILINE | re.DOTALL)
    assert block
    return block[0]


def start_nginx(processes: Processes, folder: Path, *, web_port: int, storage: Path) -> str:
    """Start nginx as documented, without TLS; returns its address."""
    folder.mkdir()
    port = free_port()
    server = _NEEDS_A_NAME.sub("", documented_server())
    for documented, ours in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port};"),
        ("http://127.0.0.1:8080", f"http://127.0.0.1:{web_port}"),
        ("/var/lib/octopus/storage/packages/", f"{storage}/packages/"),
    ):
        assert documented in server
        server = server.replace(documented, ours)
    # Its workers would be somebody who may not read a test's folder.
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(_AROUND.format(folder=folder, server=server, user=user))
    program = nginx_program()
    assert program, "nginx is not installed"
    nginx = processes.start("nginx", [program, "-p", folder, "-c", configuration])
    nginx.wait_for_port(port, seconds=30)
    return f"http://127.0.0.1:{port}"
