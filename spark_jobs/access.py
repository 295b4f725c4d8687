"""What a server refused, named by the settings: users, keys, certificates. Pure.

Judged by the chain of causes of a Java error, as faults.py finds it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from lakehouse.errors import SettingsError

if TYPE_CHECKING:
    from spark_jobs.faults import Cause


class Refusal(NamedTuple):
    """`marks`: any of these stands in the chain, and any of `needs` too, if there are any."""

    marks: tuple[str, ...]
    message: str
    hint: str
    needs: tuple[str, ...] = ()


_KEYS: Final = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken")
_EXPIRED: Final = ("ExpiredToken", "TokenRefreshRequired", "token has expired")
_S3: Final = ("S3Exception", "software.amazon.awssdk")
_CATALOG: Final = ("org.apache.iceberg.exceptions.NotAuthorizedException", "invalid_client")
# In this order: an S3 answer of 403 is told by the catalog's classes too.
_ALL: Final = (
    Refusal(
        ("SaslAuthenticationException",),
        "Kafka refuses KAFKA_USERNAME and KAFKA_PASSWORD",
        "Set them to a user that the broker knows, and KAFKA_SASL_MECHANISM to its kind.",
    ),
    Refusal(
        ("SslAuthenticationException",),
        "The certificate of Kafka is not trusted",
        "Set KAFKA_CA_FILE to the PEM file of the authority that signed it.",
    ),
    Refusal(
        ("TopicAuthorizationException", "GroupAuthorizationException"),
        "Kafka does not let KAFKA_USERNAME read",
        "Give this user the rights that docs/security.md lists.",
    ),
    Refusal(
        ("PKIX path", "SSLHandshakeException", "unable to find valid certification path"),
        "The certificate of S3 or of the catalog is not trusted",
        "Set S3_CA_FILE to the PEM file of the authority that signed it.",
    ),
    Refusal(
        _EXPIRED,
        "S3_ACCESS_KEY and S3_SECRET_KEY have expired",
        "Set them to a valid key and start again: it goes on from what is stored.",
        _S3,
    ),
    Refusal(
        _KEYS,
        "S3 refuses S3_ACCESS_KEY and S3_SECRET_KEY",
        "Set them to a key that S3 knows and start again: it goes on from what is stored.",
        _S3,
    ),
    Refusal(
        ("AccessDenied", "Access Denied"),
        "S3 does not let S3_ACCESS_KEY do this",
        "Give this key the rights on LAKE_WAREHOUSE that docs/security.md lists.",
        _S3,
    ),
    Refusal(
        # The answer to a HEAD has no body, which would say why.
        ("Status Code: 403",),
        "S3 refuses S3_ACCESS_KEY and S3_SECRET_KEY, or does not let them do this",
        "Set them to a key that S3 knows, with the rights that docs/security.md lists, and "
        "start again: it goes on from what is stored.",
        _S3,
    ),
    Refusal(
        _CATALOG,
        "The catalog refuses LAKE_CATALOG_CREDENTIAL",
        "Set it to client-id:client-secret as the catalog knows them, and start again.",
    ),
    Refusal(
        ("org.apache.iceberg.exceptions.ForbiddenException",),
        "The catalog does not let LAKE_CATALOG_CREDENTIAL do this",
        "Give this client the rights that docs/security.md lists.",
    ),
)


def refused(chain: Sequence["Cause"], why: str) -> SettingsError | None:
    """The error in words where a server refused us; None where it is something else.

    `why`: the root of the chain in one line.
    """
    told = "\n".join(f"{kind}: {text}" for kind, text in chain)
    for each in _ALL:
        if _stands(each.marks, told) and (not each.needs or _stands(each.needs, told)):
            return SettingsError(f"{each.message} ({why}).", each.hint)
    return None


def _stands(marks: Sequence[str], told: str) -> bool:
    return any(mark in told for mark in marks)
