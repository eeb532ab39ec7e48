"""Reading certificates of every kind, and what is wrong with a file."""

import codecs
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
)

from deployments.base.errors import Invalid
from deployments.library.certificates import unlocking
from deployments.library.certificates.expiry import expiry_of, mark_reached
from deployments.library.certificates.facts import facts_of
from deployments.library.certificates.files import MOST_BYTES, MOST_CERTIFICATES, read_bundle
from deployments.library.certificates.writing import key_pem, pkcs12_of
from tests.factories.certificates import issue, site
from tests.factories.execution import SettableClock

DAY = 24 * 3600
_END = b"\n-----END CERTIFICATE-----\n"


def names(certificates: Any) -> list[str]:
    return [facts["SubjectCommonName"] for facts in certificates]


@pytest.mark.parametrize(
    ("data", "password", "form"),
    [
        (site().pfx("pa55"), "pa55", "Pkcs12"),
        (site().pfx(), "", "Pkcs12"),
        (site().pem_file(), "", "Pem"),
        (site().pem_file("pa55"), "pa55", "Pem"),
        (site().pem_file().replace(b"\n", b"\r\n"), "", "Pem"),
        (b"# a remark\n" + site().pem_file(), "", "Pem"),
        (codecs.BOM_UTF8 + site().pem_file(), "", "Pem"),
        (site().pem_file().decode().encode("utf-16"), "", "Pem"),
    ],
    ids=["pfx", "open pfx", "pem", "locked pem", "windows", "remarks", "mark", "utf-16"],
)
def test_what_a_file_with_all_parts_says(data: bytes, password: str, form: str) -> None:
    bundle = read_bundle(data, password)
    facts = facts_of(bundle)
    assert bundle.certificate == site().certificate
    assert bundle.key is not None
    assert names(facts["CertificateChain"]) == ["Acme Issuing", "Acme Root"]
    assert (facts["CertificateDataFormat"], facts["HasPrivateKey"]) == (form, True)
    assert facts["SubjectDistinguishedName"] == "CN=shop.example.com, O=Acme"
    assert facts["IssuerCommonName"] == "Acme Issuing"
    assert (facts["SelfSigned"], facts["ChainIsComplete"], facts["Version"]) == (False, True, 3)
    assert facts["SubjectAlternativeNames"] == ["shop.example.com", "www.shop.example.com"]
    assert facts["CertificateChain"][1]["SelfSigned"]


def test_the_chain_is_put_in_order_and_the_key_finds_its_certificate() -> None:
    issuer, root = site().chain
    parts = [root, site(), issuer]
    data = b"".join(each.pem for each in parts) + site().key_pem()
    bundle = read_bundle(data)
    assert bundle.certificate == site().certificate
    assert names(facts_of(bundle)["CertificateChain"]) == ["Acme Issuing", "Acme Root"]


def test_der_has_no_key_and_no_chain() -> None:
    facts = facts_of(read_bundle(site().der))
    assert (facts["CertificateDataFormat"], facts["HasPrivateKey"]) == ("Der", False)
    assert (facts["CertificateChain"], facts["ChainIsComplete"]) == ([], False)


def test_an_incomplete_chain_and_a_self_signed_one() -> None:
    issuer, _ = site().chain
    data = site().pem + issuer.pem
    assert facts_of(read_bundle(data))["ChainIsComplete"] is False
    own = facts_of(read_bundle(issue("alone").pem))
    assert (own["SelfSigned"], own["ChainIsComplete"]) == (True, True)


@pytest.mark.parametrize(
    ("data", "password", "field", "word"),
    [
        (b"", "", "CertificateData", "Choose the file"),
        (b"x" * (MOST_BYTES + 1), "", "CertificateData", "1 MiB"),
        (b"hello", "", "CertificateData", "no certificate"),
        (b"\x30\x82\x01\x02" + b"\x00" * 90, "", "CertificateData", "no certificate"),
        (site().pfx("pa55"), "", "Password", "protected by a password"),
        (site().pfx("pa55"), "wrong", "Password", "does not open the PFX"),
        (site().pfx("pa55")[:-40], "pa55", "", "no PFX that can be read"),
        (site().pem_file("pa55"), "", "Password", "protected by a password"),
        (site().pem_file("pa55"), "wrong", "Password", "does not open the private key"),
        (site().key_pem(), "", "CertificateData", "a private key, but no certificate"),
        (
            site().pem[:200] + b"\n-----END CERTIFICATE-----\n",
            "",
            "CertificateData",
            "cannot be read",
        ),
        (site().pem + issue().key_pem(), "", "CertificateData", "does not belong"),
        (site().pem + site().key_pem() * 2, "", "CertificateData", "several private keys"),
        (site().pem * (MOST_CERTIFICATES + 1), "", "CertificateData", "at most 50"),
    ],
)
def test_what_is_wrong_with_a_file(data: bytes, password: str, field: str, word: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_bundle(data, password)
    texts = refused.value.fields[field] if field else refused.value.errors
    assert word in " ".join(texts)


def test_a_file_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unlocking, "_SECONDS", 0.01)
    with pytest.raises(Invalid, match="takes too long"):
        read_bundle(site().pfx("x"), "x")


@pytest.mark.parametrize("password", ["", "new"])
def test_what_is_written_is_read_again(password: str) -> None:
    bundle = read_bundle(site().pem_file())
    assert bundle.key is not None
    again = read_bundle(pkcs12_of(bundle, "Site", password), password)
    assert (again.certificate, again.chain) == (bundle.certificate, bundle.chain)
    key = key_pem(bundle.key, password)
    load_pem_private_key(key.encode(), password.encode() or None)
    assert again.key is not None
    keyless = read_bundle(pkcs12_of(bundle, "Site", password, with_key=False), password)
    assert keyless.key is None


@pytest.mark.parametrize(
    ("days", "told", "mark"),
    [
        (30, None, None),
        (20.5, None, None),
        (19.5, None, 20),
        (15, 20, None),
        (9.5, 20, 10),
        (9.5, None, 10),
        (0.5, 10, None),
        (-0.5, 10, 0),
        (-50, 0, None),
    ],
)
def test_marks(days: float, told: int | None, mark: int | None) -> None:
    clock = SettableClock()
    now = clock()
    clock.forward(days * DAY)
    assert mark_reached(clock(), now, told) == mark


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (90.5, "Good for 90 days"),
        (1.5, "Expires in 1 day"),
        (0.5, "Expires today"),
        (-0.5, "Expired today"),
        (-2.5, "Expired 2 days ago"),
    ],
)
def test_words(days: float, words: str) -> None:
    clock = SettableClock()
    now = clock()
    clock.forward(days * DAY)
    assert expiry_of(clock(), now).words == words
