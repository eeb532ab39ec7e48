"""Which storage the settings name."""

from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from packages_feed.storage.base import PackageStorage
from packages_feed.storage.files import FileStorage


@cache
def package_storage() -> PackageStorage:
    """Return the storage of OCTOPUS_STORAGE_URL."""
    octopus = settings.OCTOPUS
    return storage_from_url(
        octopus.storage_url,
        spool_folder=octopus.data_dir / "uploads",
        access_key=octopus.s3_access_key,
        secret_key=octopus.s3_secret_key,
    )


def storage_from_url(
    url: str, *, spool_folder: Path, access_key: str = "", secret_key: str = ""
) -> PackageStorage:
    """Return the storage of `file:///folder` or `s3://bucket/prefix?endpoint=…&region=…`.

    Raises ImproperlyConfigured.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path:
        return FileStorage(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        # Here, because every process that keeps its packages on disk starts faster without.
        from packages_feed.storage.s3 import S3Place, S3Storage  # noqa: PLC0415 loads boto3

        options = parse_qs(parts.query)
        place = S3Place(
            bucket=parts.netloc,
            prefix=unquote(parts.path).strip("/"),
            endpoint=options.get("endpoint", [""])[-1],
            region=options.get("region", [""])[-1],
        )
        return S3Storage(
            place, spool_folder=spool_folder, access_key=access_key, secret_key=secret_key
        )
    raise ImproperlyConfigured("OCTOPUS_STORAGE_URL must start with file:// or s3://.")
