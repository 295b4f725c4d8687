"""A real broker that asks for TLS, a user (SCRAM-SHA-512) and rights, as people run one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it has no __all__
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from lakehouse import kafka_security, pem
from lakehouse import settings as settings_module
from lakehouse.settings import Settings
from lakehouse.stack import jars, java
from lakehouse.stack.kafka import Extra, KafkaBroker
from lakehouse.stack.process import ManagedProcess
from tests.certificates import Certificates

ADMIN: Final = "admin"
_ADMIN_PASSWORD: Final = "may-do-all"
# With what JAAS, properties files and shells could stumble over.
PASSWORD: Final = 's3cret-"of"-\\the=broker;'


@dataclass(frozen=True)
class SecureKafka:
    """Where it is, and how to come in. Every user but the admin has the same password."""

    servers: str
    certificates: Certificates

    def env(self, user: str, **more: str) -> dict[str, str]:
        """The settings of a user, by their names in the environment."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.servers,
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_USERNAME": user,
            "KAFKA_PASSWORD": PASSWORD,
            "KAFKA_CA_FILE": str(self.certificates.authority),
            **more,
        }

    def settings(self, user: str, **more: Any) -> Settings:
        """The same as settings."""
        given = {name.lower(): value for name, value in self.env(user).items()}
        return settings_module.load(_env_file=None, **{**given, **more})

    def add_user(self, user: str) -> None:
        """Make a user without any rights."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        wanted = UserScramCredentialUpsertion(user, info, PASSWORD.encode())
        admin = self._admin()  # it must outlive its answers
        for future in admin.alter_user_scram_credentials([wanted]).values():
            future.result(20)

    def allow(self, user: str, kind: str, names: Sequence[str], operations: Sequence[str]) -> None:
        """Give a user rights on resources of a kind (`topic`, `group`)."""
        wanted = [
            AclBinding(
                ResourceType[kind.upper()], name, ResourcePatternType.LITERAL, f"User:{user}",
                "*", AclOperation[operation], AclPermissionType.ALLOW,
            )
            for name in names
            for operation in operations
        ]  # fmt: skip
        admin = self._admin()
        for future in admin.create_acls(wanted).values():
            future.result(20)

    def require_topics(self, names: Sequence[str]) -> None:
        """Make those that are not there yet."""
        admin = self._admin()
        missing = set(names) - set(admin.list_topics(timeout=20).topics)
        if missing:
            for future in admin.create_topics([NewTopic(name, 1) for name in missing]).values():
                future.result(20)

    def _admin(self) -> AdminClient:
        settings = self.settings(ADMIN, kafka_password=_ADMIN_PASSWORD)
        security = kafka_security.for_librdkafka(settings)
        return AdminClient({"bootstrap.servers": self.servers, **security})


@contextmanager
def secure_kafka(folder: Path, certificates: Certificates) -> Iterator[SecureKafka]:
    """A broker with its data and log in `folder`; ended at the end. The admin may do all."""
    found = jars.ensure(settings_module.load(_env_file=None), print)
    broker = KafkaBroker(
        folder / "kafka",
        java.find(),
        found.kafka,
        lambda name, argv, grace: ManagedProcess(name, argv, folder / "log", {}, grace),
        _extra(certificates),
    )
    servers = broker.start()
    try:
        yield SecureKafka(servers, certificates)
    finally:
        if broker.process is not None:
            broker.process.stop()


def _extra(certificates: Certificates) -> Extra:
    # The name of the listener stays that of the embedded broker; what it speaks is mapped anew.
    listener = "listener.name.plaintext"
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    settings = {
        "listener.security.protocol.map": "PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT",
        f"{listener}.ssl.keystore.type": "PEM",
        f"{listener}.ssl.keystore.location": str(certificates.store),
        f"{listener}.ssl.truststore.type": "PEM",
        f"{listener}.ssl.truststore.location": str(certificates.authority),
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        f"{listener}.scram-sha-512.sasl.jaas.config": f"{module} required;",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        # The broker itself comes over the controller's listener, where nobody gives a name.
        "super.users": f"User:{ADMIN};User:ANONYMOUS",
    }
    user = f"SCRAM-SHA-512=[name={ADMIN},password={_ADMIN_PASSWORD}]"
    return Extra(settings, ("--add-scram", user), pem.context(str(certificates.authority)))
