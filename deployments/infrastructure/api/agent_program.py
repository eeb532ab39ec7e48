"""What a machine fetches to become a target: the agent and the script that installs it."""

import re

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from deployments.infrastructure.installer import install_script
from deployments.infrastructure.program import agent_program, digest_of

_FROM = re.compile(r"bytes=(\d{1,12})-")


@require_safe
def program_view(request: HttpRequest) -> HttpResponse:
    """Send the file, or the rest of it; anybody may have it, it holds no secret."""
    path = agent_program()
    etag = f'"{digest_of(path)}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers={"ETag": etag})
    content = path.read_bytes()
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-cache",
        "Content-Disposition": 'attachment; filename="tentacle.pyz"',
    }
    status = 200
    start = _FROM.fullmatch(request.headers.get("Range", ""))
    if start and request.headers.get("If-Range") == etag and int(start[1]) < len(content):
        headers["Content-Range"] = f"bytes {start[1]}-{len(content) - 1}/{len(content)}"
        status, content = 206, content[int(start[1]) :]
    return HttpResponse(
        content, content_type="application/octet-stream", status=status, headers=headers
    )


@require_safe
def program_digest_view(request: HttpRequest) -> HttpResponse:
    """Send the line that `sha256sum --check` reads."""
    text = f"{digest_of(agent_program())}  tentacle.pyz\n"
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@require_safe
def install_script_view(request: HttpRequest) -> HttpResponse:
    """Send the script that installs the agent; it holds no secret."""
    return HttpResponse(
        install_script(),
        content_type="text/x-shellscript; charset=utf-8",
        headers={"Cache-Control": "no-cache"},
    )
