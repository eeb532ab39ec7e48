"""The agent as one file, built from this server's own code once per version."""

import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from agent.version import VERSION
from deployments.infrastructure.installer import install_script

_PATIENCE_SECONDS = 60


def agent_program() -> Path:
    """Return the path of the built file; builds it when this version has none yet."""
    folder = Path(settings.OCTOPUS.data_dir) / "agent"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"tentacle-{VERSION}.pyz"
    digest = target.with_suffix(".pyz.sha256")
    if not target.exists() or not digest.exists():
        built = subprocess.run(
            [sys.executable, "-m", "agent.runtime.zipapp", str(target)],
            check=True,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
        )
        digest.write_text(built.stdout.strip(), encoding="ascii")
    return target


@require_safe
def program_view(request: HttpRequest) -> HttpResponse:
    """Send the file; anybody may have it, it holds no secret."""
    path = agent_program()
    sha256 = _sha256(path)
    etag = f'"{sha256}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers={"ETag": etag})
    return HttpResponse(
        path.read_bytes(),
        content_type="application/octet-stream",
        headers={
            "ETag": etag,
            "Cache-Control": "no-cache",
            "Content-Disposition": 'attachment; filename="tentacle.pyz"',
        },
    )


@require_safe
def program_digest_view(request: HttpRequest) -> HttpResponse:
    """Send the line that `sha256sum --check` reads."""
    text = f"{_sha256(agent_program())}  tentacle.pyz\n"
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@require_safe
def install_script_view(request: HttpRequest) -> HttpResponse:
    """Send the script that installs the agent; it holds no secret."""
    return HttpResponse(
        install_script(),
        content_type="text/x-shellscript; charset=utf-8",
        headers={"Cache-Control": "no-cache"},
    )


def _sha256(path: Path) -> str:
    return path.with_suffix(".pyz.sha256").read_text(encoding="ascii").strip()
