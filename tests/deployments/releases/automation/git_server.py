"""Git repositories behind a real Git server: git's own http-backend, run for each request."""

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ana",
    "GIT_AUTHOR_EMAIL": "ana@example.com",
    "GIT_COMMITTER_NAME": "Ana",
    "GIT_COMMITTER_EMAIL": "ana@example.com",
}


@dataclass
class Hosted:
    """A repository `config` that is served; with a password it asks for ana's."""

    folder: Path
    url: str = ""
    password: str = ""
    is_down: bool = False
    agents: list[str] = field(default_factory=list)

    def git(self, *arguments: str) -> str:
        """Run Git in the repository."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=_ENVIRONMENT,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, branch: str = "main") -> str:
        """Make a commit on the branch, and return its id."""
        if self.git("branch", "--list", branch):
            self.git("checkout", "-q", branch)
        elif self.git("branch", "--show-current") != branch:
            self.git("checkout", "-q", "-b", branch)
        self.git("commit", "-q", "--allow-empty", "-m", "A change")
        return self.git("rev-parse", "HEAD")


@contextmanager
def git_server(folder: Path) -> Iterator[Hosted]:
    """Serve a new repository with one commit on main until the block ends."""
    hosted = Hosted(folder / "config")
    hosted.folder.mkdir()
    hosted.git("init", "-q", "-b", "main")
    hosted.commit()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hosted.agents.append(self.headers.get("User-Agent", ""))
            pair = base64.b64encode(f"ana:{hosted.password}".encode()).decode()
            if hosted.is_down:
                self._answer(503, {}, b"")
            elif hosted.password and self.headers.get("Authorization") != f"Basic {pair}":
                self._answer(401, {"WWW-Authenticate": "Basic"}, b"")
            else:
                self._answer(*_backend(folder, self.path))

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hosted.url = f"http://localhost:{server.server_address[1]}/config"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield hosted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _backend(folder: Path, target: str) -> tuple[int, dict[str, str], bytes]:
    """Return the answer of git http-backend, which speaks CGI."""
    path, _, query = target.partition("?")
    done = subprocess.run(
        ["git", "http-backend"],
        env={
            **_ENVIRONMENT,
            "GIT_PROJECT_ROOT": str(folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
        },
        check=True,
        capture_output=True,
    )
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    pairs = [line.partition(": ") for line in head.decode().split("\r\n")]
    headers = {name: value for name, _, value in pairs}
    status = int(headers.pop("Status", "200 OK").split()[0])
    return status, headers, body
