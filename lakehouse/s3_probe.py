"""Does S3 answer, and does it know the keys? Asked before Spark, which finds out a minute later."""

from typing import Final

from lakehouse import lake_refusals
from lakehouse.errors import UnreachableError
from lakehouse.s3_names import on_s3
from lakehouse.settings import Settings

_SECONDS: Final = 5.0
# pyarrow says nothing more exact than this text.
_UNREACHABLE: Final = "NETWORK_CONNECTION"
_NOT_ALLOWED: Final = "ACCESS_DENIED"


def addresses(settings: Settings) -> list[str]:
    """Where on S3 the tables and the checkpoints lie, as bucket/path; empty for folders."""
    found = (settings.warehouse, settings.checkpoints)
    return [each.partition("://")[2] for each in found if on_s3(each)]


def require(settings: Settings, seconds: float = _SECONDS) -> None:
    """Return where S3 holds nothing of the lake, or lists it.

    UnreachableError where it does not answer, SettingsError where it refuses the keys or its
    certificate is not trusted. A key that may not list is not refused here: a catalog may hand
    out better ones.
    """
    for address in addresses(settings):
        try:
            _list(settings, address, seconds)
        except OSError as error:
            _raise_if_sure(settings, error)


def _list(settings: Settings, address: str, seconds: float) -> None:
    # Imported here because it takes a while, which a lake in a folder need not pay.
    from pyarrow.fs import AwsStandardS3RetryStrategy, FileSelector, S3FileSystem

    s3 = S3FileSystem(
        access_key=settings.s3_access_key.get_secret_value() or None,
        secret_key=settings.s3_secret_key.get_secret_value() or None,
        region=settings.s3_region,
        endpoint_override=settings.s3_endpoint or None,
        tls_ca_file_path=settings.s3_ca_file or None,
        connect_timeout=seconds,
        request_timeout=2 * seconds,
        retry_strategy=AwsStandardS3RetryStrategy(max_attempts=2),
    )
    s3.get_file_info(FileSelector(address, allow_not_found=True))


def _raise_if_sure(settings: Settings, error: OSError) -> None:
    text = str(error)
    refusal = lake_refusals.refused(error)
    if refusal and _NOT_ALLOWED not in text:
        raise refusal from None
    if _UNREACHABLE in text:
        raise UnreachableError(
            f"S3 at {settings.s3_endpoint or 'Amazon'} does not answer.",
            "Is it running, and are S3_ENDPOINT and S3_REGION right?",
        ) from None
