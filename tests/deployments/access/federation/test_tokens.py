"""Tokens that are not what they should be are refused, each for its reason."""

import base64
import hmac
import json
import time
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import RSAAlgorithm

from deployments.access.providers.subjects import has_literal, subject_fits
from deployments.access.providers.tokens import TokenRefused, unverified_issuer, verified
from tests.deployments.access.federation.issuer import published
from tests.support.cases import case_name, cases

ISSUER = "https://issuer.example"


@cache
def own_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def keys() -> list[dict[str, Any]]:
    encrypts = {**published("encrypts", own_key()), "use": "enc"}
    public = rsa.generate_private_key(65537, 2048).public_key()
    own_rsa = {**RSAAlgorithm.to_jwk(public, as_dict=True), "kid": "rsa"}
    unreadable = {"kty": "EC", "kid": "own", "crv": "P-256", "x": "?", "y": "?"}
    return [published("own", own_key()), encrypts, own_rsa, unreadable, {"kid": "own"}]


def made(case: dict[str, Any]) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": "octopus", "sub": "x", "iat": now, "exp": now + 300}
    claims |= case.get("claims", {})
    claims |= {name: now + offset for name, offset in case.get("times", {}).items()}
    claims.pop(case.get("without", ""), None)
    headers = {"kid": "own", **case.get("header", {})}
    other = ec.generate_private_key(ec.SECP256R1())
    token = signed(own_key(), claims, headers)
    head, _, tail = token.partition(".")
    body, _, signature = tail.partition(".")
    pem = (
        own_key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    as_secret = f"{part({'alg': 'HS256', 'kid': 'own'})}.{body}"
    forged = text(hmac.digest(pem, as_secret.encode(), "sha256"))
    return {
        "own key": token,
        "none": f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "public key as secret": f"{as_secret}.{forged}",
        "other key": signed(other, claims, headers),
        "own header": signed(other, claims, {**headers, "jwk": published("own", other)}),
        "claims changed": f"{head}.{part({**claims, 'sub': 'y'})}.{signature}",
        "no signature": f"{head}.{body}.",
        "text": "API-KEY",
        "long": f"{head}.{body}{'x' * 20_000}.{signature}",
    }[case.get("sign", "own key")]


def signed(key: Any, claims: dict[str, Any], headers: dict[str, Any]) -> str:
    return jwt.PyJWS().encode(json.dumps(claims).encode(), key, "ES256", headers)


def part(document: dict[str, Any]) -> str:
    return text(json.dumps(document).encode())


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize("case", cases("federation", "tokens"), ids=case_name)
def test_tokens(case: dict[str, Any]) -> None:
    def claims() -> Any:
        return verified(made(case), keys(), issuer=ISSUER, audience="octopus")

    if case["refused"]:
        with pytest.raises(TokenRefused) as refusal:
            claims()
        assert str(refusal.value) == case["refused"]
    else:
        assert claims()["sub"] == "x"


def test_a_key_without_a_name_is_taken_when_it_is_the_only_one() -> None:
    unnamed = {name: value for name, value in keys()[0].items() if name != "kid"}
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": "a", "sub": "x", "iat": now, "exp": now + 9}
    token = jwt.encode(claims, own_key(), "ES256")
    assert verified(token, [unnamed], issuer=ISSUER, audience="a")["sub"] == "x"
    with pytest.raises(TokenRefused):
        verified(token, [unnamed, keys()[0]], issuer=ISSUER, audience="a")


def test_whom_a_token_claims_to_be_from() -> None:
    assert unverified_issuer(made({})) == ISSUER
    assert unverified_issuer(made({"without": "iss"})) == ""
    for wrong in ("", "x", "a.b.c", "e30.e30", "x" * 20_000):
        with pytest.raises(TokenRefused):
            unverified_issuer(wrong)


@pytest.mark.parametrize("case", cases("federation", "subjects"), ids=str)
def test_subjects(case: dict[str, Any]) -> None:
    assert subject_fits(case["pattern"], case["subject"]) is case["fits"]


def test_a_subject_of_wildcards_alone_says_nothing() -> None:
    assert [has_literal(each) for each in ("*", "**", "?*", " * ", "", "a*")] == [False] * 5 + [
        True
    ]


def test_many_wildcards_take_no_time() -> None:
    assert not subject_fits("*a" * 200, "a" * 199)
    assert not subject_fits("a*" * 200 + "b", "a" * 250)
