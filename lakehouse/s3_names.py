"""How an S3 is named by others: schemes of addresses, AWS' variables, a property of pyiceberg's."""

from typing import Final

from lakehouse.settings import Settings

_SCHEMES: Final = ("s3://", "s3a://")
# The property by which lakehouse/lake_io.py is told of S3_CA_FILE.
CA_FILE: Final = "firehose.s3.ca-file"


def on_s3(address: str) -> bool:
    """Whether an address is one in S3."""
    return address.startswith(_SCHEMES)


def aws_variables(settings: Settings) -> dict[str, str]:
    """The environment from which AWS' own clients take key and region; secrets in clear."""
    found = {
        "AWS_ACCESS_KEY_ID": settings.s3_access_key.get_secret_value(),
        "AWS_SECRET_ACCESS_KEY": settings.s3_secret_key.get_secret_value(),
        "AWS_REGION": settings.s3_region,
    }
    return {name: value for name, value in found.items() if value}
