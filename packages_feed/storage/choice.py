"""Which storage the settings name."""

from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from packages_feed.storage.base import PackageStorage
from packages_feed.storage.both import MovingStorage
from packages_feed.storage.files import FileStorage
from packages_feed.storage.s3_place import s3_place


@cache
def package_storage() -> PackageStorage:
    """Return the storage of OCTOPUS_STORAGE_URL, and what only OCTOPUS_STORAGE_OTHER_URL has."""
    first = named_storage(settings.OCTOPUS.storage_url)
    other = settings.OCTOPUS.storage_other_url
    return MovingStorage(first, named_storage(other)) if other else first


def named_storage(url: str) -> PackageStorage:
    """Return the storage of an address, with the keys of the settings.

    Raises ImproperlyConfigured.
    """
    octopus = settings.OCTOPUS
    return storage_from_url(
        url,
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
    if parts.scheme == "file" and parts.path and not parts.netloc:
        return FileStorage(Path(unquote(parts.path)))
    if parts.scheme != "s3" or not parts.netloc:
        raise ImproperlyConfigured(
            "The address of a storage must be file:///folder or s3://bucket/prefix."
        )
    # Here, because every process that keeps its packages on disk starts faster without.
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 likewise

    from packages_feed.storage.s3 import S3Storage  # noqa: PLC0415 loads boto3

    try:
        place = s3_place(parts)
        return S3Storage(
            place, spool_folder=spool_folder, access_key=access_key, secret_key=secret_key
        )
    except (ValueError, BotoCoreError) as error:
        shown = url.partition("?")[0]
        raise ImproperlyConfigured(f"The storage {shown} cannot be used: {error}.") from error
