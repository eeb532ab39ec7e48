"""The address of a bucket and its options: `s3://bucket/prefix?endpoint=…&region=…`."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote

ADDRESS_STYLES: Final = ("path", "virtual", "auto")
ENCRYPTIONS: Final = ("AES256", "aws:kms")
_LONGEST_REDIRECT_S: Final = 7 * 24 * 3600  # what signature version 4 allows


@dataclass(frozen=True)
class S3Place:
    """A bucket, a prefix in it and how to speak to its store.

    `redirect_seconds` is how long the addresses are good to which downloads are sent; 0: none are.
    """

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    addressing: str = ""
    encryption: str = ""
    kms_key: str = ""
    profile: str = ""
    redirect_seconds: int = 0

    @property
    def addressing_style(self) -> str:
        """Return how the bucket is named: in the path, as other stores need it, or by its host."""
        return self.addressing or ("path" if self.endpoint else "auto")

    @property
    def encrypted(self) -> dict[str, Any]:
        """Return the arguments that ask the store to encrypt what it writes."""
        if not self.encryption:
            return {}
        key = {"SSEKMSKeyId": self.kms_key} if self.kms_key else {}
        return {"ServerSideEncryption": self.encryption, **key}

    def key(self, path: str) -> str:
        """Return the key of a path of the storage."""
        prefix = self.prefix.strip("/")
        return f"{prefix}/{path}" if prefix else path


def s3_place(parts: SplitResult) -> S3Place:
    """Return the place that an address names; raises ValueError, in words, for a wrong option."""
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    known = {"endpoint", "region", "addressing", "encryption", "kms_key", "profile", "redirect"}
    if unknown := sorted(options.keys() - known):
        raise ValueError(f"there is no option {unknown[0]}, only {', '.join(sorted(known))}")
    _require(options, "addressing", ADDRESS_STYLES)
    _require(options, "encryption", ENCRYPTIONS)
    if options.get("kms_key") and options.get("encryption") != "aws:kms":
        raise ValueError("kms_key needs encryption=aws:kms")
    redirect = options.pop("redirect", "") or "0"
    if not (redirect.isascii() and redirect.isdecimal()) or int(redirect) > _LONGEST_REDIRECT_S:
        raise ValueError(f"redirect must be seconds from 0 to {_LONGEST_REDIRECT_S}")
    return S3Place(
        bucket=parts.netloc,
        prefix=unquote(parts.path).strip("/"),
        redirect_seconds=int(redirect),
        **options,
    )


def _require(options: dict[str, str], name: str, allowed: tuple[str, ...]) -> None:
    if options.get(name, "") not in {"", *allowed}:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}")
