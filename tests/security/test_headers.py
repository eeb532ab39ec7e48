"""What browsers are told, and what cookies are worth to somebody on the wire."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from deployments.access.web.csrf import COOKIE
from octopus_site.conf import ConfigurationError, read_configuration
from tests.factories import make_ana
from tests.factories.people import PASSWORD
from tests.support.environment import MASTER_KEY

FOLDERS = (settings.BASE_DIR / "templates", settings.BASE_DIR / "octopus_site/static/js")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api", "/app/sign-in", "/nothing/here", "/api/nothing"])
def test_every_answer_says_what_a_browser_may_do_with_it(path: str) -> None:
    headers = Client().get(path).headers
    for name, value in {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, no-cache",
    }.items():
        assert headers[name] == value
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"


@pytest.mark.django_db
def test_cookies_are_secure_wherever_tls_is_even_if_a_proxy_ends_it() -> None:
    """The address of the server is http in these tests: the request alone says TLS."""
    ana = make_ana()
    fields = {"username": ana.user.username, "password": PASSWORD}
    client = Client()
    client.post("/app/sign-in", fields, secure=True)
    client.get("/app", secure=True, follow=True)
    for name in (settings.SESSION_COOKIE_NAME, COOKIE):
        assert client.cookies[name]["secure"]
        assert client.cookies[name]["samesite"] == "Lax"
    assert client.cookies[settings.SESSION_COOKIE_NAME]["httponly"]
    plain = Client()
    plain.post("/app/sign-in", fields)
    assert not plain.cookies[settings.SESSION_COOKIE_NAME]["secure"]


@pytest.mark.django_db
def test_hsts_is_said_where_it_is_set_and_over_tls_only(settings: Any) -> None:
    name = "Strict-Transport-Security"
    assert name not in Client().get("/api", secure=True).headers
    settings.OCTOPUS = replace(settings.OCTOPUS, hsts_seconds=31536000)
    assert Client().get("/api", secure=True).headers[name] == "max-age=31536000"
    assert name not in Client().get("/api").headers


@pytest.mark.parametrize("text", ["-1", "soon", "63072001", "²"])
def test_a_time_of_hsts_that_is_none_is_told(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="OCTOPUS_HSTS_SECONDS"):
        read_configuration(
            {
                "OCTOPUS_DATA_DIR": str(tmp_path),
                "OCTOPUS_MASTER_KEY": MASTER_KEY,
                "OCTOPUS_HSTS_SECONDS": text,
            }
        )


def test_settings_do_not_print_their_secrets(tmp_path: Path) -> None:
    configuration = read_configuration(
        {
            "OCTOPUS_DATA_DIR": str(tmp_path),
            "OCTOPUS_MASTER_KEY": MASTER_KEY,
            "OCTOPUS_OTHER_MASTER_KEYS": MASTER_KEY,
            "OCTOPUS_DATABASE_URL": "postgresql://ana:canary@db/octopus",
            "OCTOPUS_REDIS_URL": "redis://:canary@redis",
            "OCTOPUS_S3_SECRET_KEY": "canary",
        }
    )
    text = repr(configuration)
    assert "canary" not in text
    assert repr(configuration.master_key) not in text


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["evil.test", "evil.test:99", "a b", "[::1"])
def test_a_forged_host_leads_nobody_away(host: str) -> None:
    for path in ("/", "/app", "/app/Spaces-1/dashboard", "/app/sign-in?next=//evil.test"):
        answer = Client().get(path, headers={"host": host, "x-forwarded-host": host})
        assert answer.status_code < 500
        assert answer.headers.get("Location", "/").startswith("/")
        assert b"evil.test" not in answer.content.replace(b"next=//evil.test", b"")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wanted",
    [
        *("//evil.test", "///evil.test", "\\\\evil.test", "/\\evil.test", "https:evil.test"),
        *("https://evil.test/", "javascript:alert(1)", " //evil.test", "/\t/evil.test"),
        *("/%0d%0aSet-Cookie:a=b\r\nX: y", "http:///evil.test", "\x00//evil.test"),
    ],
)
def test_redirects_after_signing_in_stay_here(wanted: str) -> None:
    ana = make_ana()
    fields = {"username": ana.user.username, "password": PASSWORD, "next": wanted}
    answer = Client().post("/app/sign-in", fields)
    assert answer.status_code == 302
    place = answer.headers["Location"]
    assert place.startswith("/")
    assert place[1:2] not in {"/", "\\", "\t"}
    assert "\n" not in place
    assert "Set-Cookie" not in answer.headers


def test_pages_hold_no_script_and_no_style_of_their_own() -> None:
    """The policy would stop them; here they are found before a browser is."""
    forbidden = ("<style", " style=", " onclick=", " onload=", " onerror=", "hx-on", "javascript:")
    found = [
        f"{path.name}: {word}"
        for path in FOLDERS[0].rglob("*.html")
        for word in forbidden
        if word in path.read_text(encoding="utf-8")
    ]
    assert not found
    scripts = [path.read_text(encoding="utf-8") for path in FOLDERS[1].rglob("*.js")]
    assert scripts
    assert not any(word in text for text in scripts for word in ("eval(", "new Function", "write("))
