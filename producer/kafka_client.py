"""What every client of Kafka here begins with: the address, TLS and user of the settings; and what
the broker refused, named by the setting."""

from typing import Any, Final

from confluent_kafka import KafkaError

from lakehouse import kafka_security
from lakehouse.errors import FirehoseError, SettingsError, UnreachableError
from lakehouse.settings import Settings
from lakehouse.stack import kafka_probe

_AUTHENTICATION: Final = KafkaError._AUTHENTICATION
_START: Final = "Start the broker, or set KAFKA_BOOTSTRAP_SERVERS to one that runs."


class Access:
    """One client's way to Kafka. `refused` is set once the broker has refused the user.

    librdkafka goes on trying for ever and its calls end by their timeouts: what really happened
    comes by a callback, which is called in `poll` of the client.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.servers = settings.kafka_bootstrap_servers
        self.refused: SettingsError | None = None
        self._asked = False

    @property
    def config(self) -> dict[str, Any]:
        """Settings of librdkafka for any kind of client; they hold the password."""
        return {
            "bootstrap.servers": self.servers,
            "error_cb": self._heed,
            **kafka_security.for_librdkafka(self._settings),
        }

    def check(self) -> None:
        """SettingsError where the broker refuses the user or the connection; after a failure."""
        if not self._asked:  # once: a broker that is away would be waited for each time
            self._asked = True
            kafka_probe.require_right_settings(self._settings)
        if self.refused is not None:
            raise self.refused

    def away(self, message: str, hint: str = _START) -> FirehoseError:
        """The error for a broker that does not do what it was asked to: SettingsError as in
        `check`, else UnreachableError with this message."""
        try:
            self.check()
        except SettingsError as error:
            return error
        return UnreachableError(message, hint)

    def _heed(self, error: KafkaError) -> None:
        if error.code() == _AUTHENTICATION:
            self.refused = SettingsError(
                f"Kafka at {self.servers} refuses KAFKA_USERNAME and KAFKA_PASSWORD "
                f"({self._settings.kafka_sasl_mechanism}).",
                "Set them to a user that the broker knows; see docs/security.md.",
            )
