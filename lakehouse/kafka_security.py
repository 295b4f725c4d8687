"""How clients of Kafka protect and prove themselves: the KAFKA_ settings as each library wants
them. What is returned holds the password: it goes to the library and nowhere else."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lakehouse.settings import Settings

_JAVA_MODULES: Final = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}
# Names of Spark's options and settings that are never shown: its own pattern, and JAAS, which
# holds the password.
REDACTED: Final = "(?i)secret|password|token|access[.]?key|credential|jaas"


def uses_tls(settings: "Settings") -> bool:
    """Whether the connection is encrypted."""
    return settings.kafka_security_protocol in ("SSL", "SASL_SSL")


def uses_sasl(settings: "Settings") -> bool:
    """Whether a user and a password are sent."""
    return settings.kafka_security_protocol.startswith("SASL_")


def problem(settings: "Settings") -> str:
    """Why the settings don't fit together, as half a sentence; empty where they do."""
    protocol = settings.kafka_security_protocol
    if protocol == "PLAINTEXT":
        return ""
    if not settings.kafka_bootstrap_servers:
        return (
            f"KAFKA_SECURITY_PROTOCOL={protocol} needs KAFKA_BOOTSTRAP_SERVERS "
            "(the embedded broker is PLAINTEXT, on the loopback interface)"
        )
    if uses_sasl(settings) and not (
        settings.kafka_username and settings.kafka_password.get_secret_value()
    ):
        return f"KAFKA_SECURITY_PROTOCOL={protocol} needs KAFKA_USERNAME and KAFKA_PASSWORD"
    return ""


def for_librdkafka(settings: "Settings") -> dict[str, str]:
    """Settings of confluent-kafka; nothing for PLAINTEXT."""
    if settings.kafka_security_protocol == "PLAINTEXT":
        return {}
    found: dict[str, str] = {"security.protocol": settings.kafka_security_protocol}
    if uses_tls(settings) and settings.kafka_ca_file:
        found["ssl.ca.location"] = settings.kafka_ca_file
    if uses_sasl(settings):
        found["sasl.mechanism"] = settings.kafka_sasl_mechanism
        found["sasl.username"] = settings.kafka_username
        found["sasl.password"] = settings.kafka_password.get_secret_value()
    return found


def for_java(settings: "Settings", ca: str) -> dict[str, str]:
    """Settings of Kafka's Java client; nothing for PLAINTEXT.

    `ca` is the content of KAFKA_CA_FILE: executors on other machines need no such file then.
    """
    if settings.kafka_security_protocol == "PLAINTEXT":
        return {}
    found: dict[str, str] = {"security.protocol": settings.kafka_security_protocol}
    if uses_tls(settings) and ca:
        found |= {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": ca}
    if uses_sasl(settings):
        found["sasl.mechanism"] = settings.kafka_sasl_mechanism
        found["sasl.jaas.config"] = _jaas(settings)
    return found


def _jaas(settings: "Settings") -> str:
    module = _JAVA_MODULES[settings.kafka_sasl_mechanism]
    password = settings.kafka_password.get_secret_value()
    return (
        f"{module} required username={_quoted(settings.kafka_username)} "
        f"password={_quoted(password)};"
    )


def _quoted(text: str) -> str:
    """As Java's JAAS parser reads it back: quotes and backslashes escaped."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
