"""Does the broker answer under the KAFKA_ settings, and if not, which of them is at odds with it?

Asked by hand, without a client library: those only say that they can't connect. Whether user and
password are right is left to them.
"""

import socket
import ssl
import struct
from typing import Final

from lakehouse import kafka_security, pem
from lakehouse.errors import SettingsError, UnreachableError
from lakehouse.settings import Settings
from lakehouse.stack import probe

_SASL_HANDSHAKE: Final = 17
_UNSUPPORTED_MECHANISM: Final = 33
_ILLEGAL_SASL_STATE: Final = 34
_SECONDS: Final = 5.0
_PROTOCOL: Final = "KAFKA_SECURITY_PROTOCOL"


def check(settings: Settings, seconds: float) -> str:
    """The `host:port` of a broker that answers as the settings say.

    SettingsError where one of them is at odds with the broker, UnreachableError where none answers.
    """
    tls = pem.context(settings.kafka_ca_file) if kafka_security.uses_tls(settings) else None
    try:
        found = probe.ping(settings.kafka_bootstrap_servers, seconds, tls)
    except UnreachableError:
        require_right_tls(settings)
        raise
    _require_right_sasl(settings, probe.address(found), tls)
    return found


def require_right_settings(settings: Settings) -> None:
    """As `check`, but a broker that does not answer is none of its business."""
    try:
        check(settings, _SECONDS)
    except UnreachableError:
        return


def require_right_tls(settings: Settings) -> None:
    """SettingsError where a broker speaks TLS and the settings don't, or the other way round, or
    where its certificate is not trusted."""
    secure = kafka_security.uses_tls(settings)
    for text in settings.kafka_bootstrap_servers.split(","):
        where = probe.address(text)
        refused = _refused_certificate(where, settings.kafka_ca_file)
        if secure and refused:
            raise SettingsError(
                f"The certificate of Kafka at {text.strip()} is not trusted: {refused}.",
                "Set KAFKA_CA_FILE to the PEM file of the authority that signed it.",
            )
        if not secure and refused is not None:
            raise SettingsError(
                f"Kafka at {text.strip()} speaks TLS, and {_PROTOCOL} is "
                f"{settings.kafka_security_protocol}.",
                f"Set {_PROTOCOL} to SASL_SSL, or to SSL where it asks for no user.",
            )
        if secure and refused is None and _speaks_plainly(where):
            raise SettingsError(
                f"Kafka at {text.strip()} speaks no TLS, and {_PROTOCOL} is "
                f"{settings.kafka_security_protocol}.",
                f"Set {_PROTOCOL} to PLAINTEXT or SASL_PLAINTEXT, or name its port for TLS.",
            )


def _refused_certificate(where: tuple[str, int], ca_file: str) -> str | None:
    """Why its certificate is not trusted; empty where it is, None where it speaks no TLS."""
    try:
        with socket.create_connection(where, _SECONDS) as link:
            pem.context(ca_file).wrap_socket(link, server_hostname=where[0]).close()
            return ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except (OSError, ValueError):
        return None


def _speaks_plainly(where: tuple[str, int]) -> bool:
    try:
        probe.ping(f"{where[0]}:{where[1]}", _SECONDS)
        return True
    except UnreachableError:
        return False


def _require_right_sasl(
    settings: Settings, where: tuple[str, int], tls: ssl.SSLContext | None
) -> None:
    wanted = settings.kafka_sasl_mechanism
    found = _mechanisms(where, wanted, tls)
    if found is None:
        return
    code, offered = found
    protocol = settings.kafka_security_protocol
    place = f"Kafka at {where[0]}:{where[1]}"
    if not kafka_security.uses_sasl(settings):
        if code != _ILLEGAL_SASL_STATE:
            raise SettingsError(
                f"{place} asks for a user, and {_PROTOCOL} is {protocol}.",
                f"Set {_PROTOCOL} to SASL_{protocol.replace('PLAINTEXT', '') or 'PLAINTEXT'}, and "
                "KAFKA_USERNAME and KAFKA_PASSWORD.",
            )
    elif code == _ILLEGAL_SASL_STATE:
        raise SettingsError(
            f"{place} takes no user, and {_PROTOCOL} is {protocol}.",
            f"Set {_PROTOCOL} to {protocol.removeprefix('SASL_')}, or name its port for SASL.",
        )
    elif code == _UNSUPPORTED_MECHANISM:
        raise SettingsError(
            f"{place} does not take KAFKA_SASL_MECHANISM={wanted}.",
            f"It offers {', '.join(offered) or 'none'}.",
        )


def _mechanisms(
    where: tuple[str, int], wanted: str, tls: ssl.SSLContext | None
) -> tuple[int, list[str]] | None:
    """Error code and mechanisms of a SaslHandshake (version 1); None where it is not answered."""
    name = wanted.encode()
    body = struct.pack(">h", len(name)) + name
    try:
        answer = probe.request(where, _SASL_HANDSHAKE, 1, body, _SECONDS, tls)
        code, count = struct.unpack_from(">hi", answer)
        offered, at = [], 6
        for _ in range(count):
            (size,) = struct.unpack_from(">h", answer, at)
            offered.append(answer[at + 2 : at + 2 + size].decode())
            at += 2 + size
    except (OSError, ValueError, struct.error):
        return None
    return code, offered
