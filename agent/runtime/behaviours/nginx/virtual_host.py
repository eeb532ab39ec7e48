"""The configuration of a virtual host, from the lists that the step holds as JSON."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from agent.runtime.behaviours.paths import safe_name

_PROXY = {
    "proxy_http_version": "1.1",
    "proxy_cache_bypass": "$http_upgrade",
}
_PROXY_HEADERS = {
    "Upgrade": "$http_upgrade",
    "Connection": "keep-alive",
    "Host": "$host",
    "X-Forwarded-For": "$proxy_add_x_forwarded_for",
    "X-Forwarded-Proto": "$scheme",
}
_NAME = re.compile(r"[A-Za-z_][\w-]*")
_PLAIN = re.compile(r"[^\s;{}\"'\\#]+")
_LAST_PORT = 65535
_VARIABLE = "certificateVariable"


class BadHost(Exception):
    """The settings of the step describe no virtual host."""


def render_host(
    *, host_names: str, bindings: str, locations: str, root: str, certificates: str = ""
) -> str:
    """Return the block `server`.

    `bindings` and `locations` are lists in JSON as clients of the REST API write them; `root` is
    the directory that locations without directives of their own serve, `certificates` that of the
    files of certificates that variables name. Raise BadHost.
    """
    places = _list(locations, "locations")
    if not any(_text(place, "path") == "/" for place in places):
        raise BadHost("there is no location / among the locations")
    listens = [binding for binding in _list(bindings, "bindings") if _is_on(binding)]
    if not listens:
        raise BadHost("there is no binding that is switched on")
    lines = ["server {"]
    for binding in listens:
        lines += [f"    {line}" for line in _listen(binding, certificates)]
    names = host_names.replace(",", " ").split()
    if names:
        lines.append(f"    server_name {' '.join(map(_word, names))};")
    for place in places:
        lines += ["", *(f"    {line}" for line in _location(place, root))]
    return "\n".join([*lines, "}", ""])


def certificate_variables(bindings: str) -> list[str]:
    """Return the variables by which bindings for https name their certificates. Raise BadHost."""
    found = [
        _text(binding, _VARIABLE) for binding in _list(bindings, "bindings") if _is_sealed(binding)
    ]
    return [name for name in dict.fromkeys(found) if name]


def certificate_files(directory: str, variable: str) -> tuple[str, str]:
    """Return the files of the certificate with its chain, and of its key."""
    stem = f"{directory}/{safe_name(variable)}"
    return f"{stem}.crt", f"{stem}.key"


def _is_sealed(binding: Mapping[str, Any]) -> bool:
    """Tell whether the binding is for https with a certificate that a variable names."""
    is_https = _text(binding, "protocol").lower() == "https"
    return is_https and _is_on(binding) and not _text(binding, "certificateLocation")


def _listen(binding: Mapping[str, Any], certificates: str) -> Iterator[str]:
    port = _text(binding, "port")
    if not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
        raise BadHost(f"a binding has the port {port or 'that is missing'}")
    address = _text(binding, "ipAddress")
    place = port if address in {"", "*"} else f"{_word(address)}:{port}"
    if _text(binding, "protocol").lower() != "https":
        yield f"listen {place};"
        return
    certificate = _text(binding, "certificateLocation")
    key = _text(binding, "certificateKeyLocation")
    variable = _text(binding, _VARIABLE)
    if variable and _is_sealed(binding):
        certificate, key = certificate_files(certificates, variable)
    if not certificate or not key:
        raise BadHost(
            "a binding for https needs certificateVariable, or certificateLocation and"
            " certificateKeyLocation"
        )
    yield f"listen {place} ssl;"
    yield f"ssl_certificate {_word(certificate)};"
    yield f"ssl_certificate_key {_word(key)};"
    protocols = binding.get("securityProtocols")
    if isinstance(protocols, list) and protocols:
        yield f"ssl_protocols {' '.join(_word(str(each)) for each in protocols)};"


def _location(place: Mapping[str, Any], root: str) -> Iterator[str]:
    path = _text(place, "path")
    if not path or re.search(r"[{};\n]", path):
        raise BadHost(f"a location has the path {path or 'that is missing'}")
    directives = _pairs(place, "directives")
    yield f"location {path} {{"
    if str(place.get("reverseProxy")).lower() == "true":
        url = _text(place, "reverseProxyUrl")
        if not url:
            raise BadHost(f"the location {path} has no reverseProxyUrl")
        yield f"    proxy_pass {_word(url)};"
        directives = _PROXY | _pairs(place, "reverseProxyDirectives") | directives
        for name, value in (_PROXY_HEADERS | _pairs(place, "reverseProxyHeaders")).items():
            yield f"    proxy_set_header {_word(name)} {_word(value)};"
    elif not {"root", "alias", "return"} & directives.keys():
        yield f"    root {_word(root)};"
    for name, value in directives.items():
        if not _NAME.fullmatch(name):
            raise BadHost(f"{name} is no name of a directive")
        yield f"    {name} {_arguments(value)};"
    for name, value in _pairs(place, "headers").items():
        yield f"    add_header {_word(name)} {_word(value)};"
    yield "}"


def _list(text: str, what: str) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError) as error:
        raise BadHost(f"the {what} are no JSON: {error}") from error
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise BadHost(f"the {what} are no list of objects")
    return found


def _pairs(place: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return an object of texts; clients write it as JSON in a text."""
    found = place.get(name) or {}
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except (ValueError, RecursionError) as error:
            raise BadHost(f"the {name} of a location are no JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadHost(f"the {name} of a location are no object")
    return {str(key): str(value) for key, value in found.items()}


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    return "" if value is None else str(value).strip()


def _is_on(binding: Mapping[str, Any]) -> bool:
    return str(binding.get("enabled", True)).lower() != "false"


def _word(text: str) -> str:
    """Return the text as one argument."""
    if _PLAIN.fullmatch(text):
        return text
    if "\n" in text:
        raise BadHost("a value has a line break")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _arguments(text: str) -> str:
    """Return what stands behind a directive as it is written, unless it ends the directive."""
    if re.search(r"[;{}\n]", text):
        raise BadHost("a directive has a ; or braces in its value")
    return text
