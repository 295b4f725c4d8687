"""Every setting, its default and its meaning; read from the environment and from `.env`.

A test holds `.env.example` equal to this module. Secrets are `SecretStr`: they print as stars.
"""

from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from lakehouse import pem, setting_rules, symbol_spec
from lakehouse.errors import SettingsError
from lakehouse.secret_files import WithSecretFiles
from lakehouse.setting_values import env_text, names, sentence, with_scheme


class Settings(WithSecretFiles):
    """The settings of all parts. Empty KAFKA_BOOTSTRAP_SERVERS means: the embedded broker."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore")

    binance_ws_url: str = "wss://data-stream.binance.vision"
    binance_rest_url: str = "https://data-api.binance.vision"
    symbols: Annotated[tuple[str, ...], NoDecode] = ("BTCUSDT", "ETHUSDT")
    streams_per_connection: Annotated[int, Field(ge=1, le=1024)] = 1024
    rotate_after_seconds: Annotated[float, Field(ge=1, le=86_400)] = 82_800.0
    rest_weight_per_minute: Annotated[int, Field(ge=10)] = 4800
    repair_hold_seconds: Annotated[float, Field(ge=0, le=60)] = 2.0
    resume_max_trades: Annotated[int, Field(ge=0)] = 1_000_000

    kafka_bootstrap_servers: str = ""
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"
    kafka_username: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_ca_file: str = ""
    kafka_topic: str = "binance.aggtrade"
    kafka_dlq_topic: str = "binance.aggtrade.dlq"
    kafka_gap_topic: str = "binance.aggtrade.gaps"
    kafka_position_topic: str = "binance.aggtrade.positions"
    kafka_partitions: Annotated[int, Field(ge=1, le=1000)] = 2
    kafka_replication: Annotated[int, Field(ge=1, le=10)] = 1
    kafka_retention_hours: Annotated[int, Field(ge=1)] = 168

    lake_catalog_type: Literal["sql", "rest"] = "sql"
    lake_catalog_uri: str = ""
    lake_catalog_credential: SecretStr = SecretStr("")
    lake_warehouse: str = ""
    s3_endpoint: str = ""
    s3_access_key: SecretStr = SecretStr("")
    s3_secret_key: SecretStr = SecretStr("")
    s3_region: str = "us-east-1"
    s3_ca_file: str = ""
    manifest_key: SecretStr = SecretStr("")

    spark_master: str = "local[*]"
    spark_driver_memory: Annotated[str, Field(pattern=r"^\d+[mg]$")] = "2g"
    spark_driver_host: str = ""
    spark_executor_memory: Annotated[str, Field(pattern=r"^\d+[mg]$")] = "1g"
    spark_max_cores: Annotated[int, Field(ge=0)] = 2
    checkpoint_dir: str = ""
    trigger_seconds: Annotated[float, Field(ge=0, le=3600)] = 2.0
    max_rows_per_batch: Annotated[int, Field(ge=1000)] = 500_000
    watermark_minutes: Annotated[int, Field(ge=1, le=1440)] = 10
    writer_lease_seconds: Annotated[float, Field(ge=5, le=3600)] = 30.0

    maintain_seconds: Annotated[float, Field(ge=0, le=86_400)] = 900.0
    snapshot_keep_minutes: Annotated[float, Field(ge=0.1)] = 60.0
    orphan_keep_hours: Annotated[float, Field(ge=24)] = 72.0
    quarantine_retention_days: Annotated[int, Field(ge=0)] = 0
    bronze_retention_days: Annotated[int, Field(ge=0)] = 0
    audit_retention_days: Annotated[int, Field(ge=0)] = 0

    # The digits that are allowed are those that sql/crypto_gold_minute/features.sql keeps exactly.
    spike_warm_up_minutes: Annotated[int, Field(ge=1, le=60)] = 20
    spike_least_return: Annotated[Decimal, Field(ge=0, le=10, decimal_places=12)] = Decimal("0.002")
    spike_z_score: Annotated[Decimal, Field(ge=0, lt=100, decimal_places=2)] = Decimal(6)
    spike_volume_ratio: Annotated[Decimal, Field(ge=0, lt=10_000, decimal_places=2)] = Decimal(3)
    spike_webhook_url: SecretStr = SecretStr("")
    spike_webhook_secret: SecretStr = SecretStr("")

    known_symbols: Annotated[tuple[str, ...], NoDecode] = ()
    reject_limit_percent: Annotated[int, Field(ge=1, le=100)] = 95
    reject_limit_rows: Annotated[int, Field(ge=0)] = 10_000
    check_seconds: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    freshness_seconds: Annotated[float, Field(ge=1)] = 120.0
    alert_webhook_url: SecretStr = SecretStr("")

    metrics_host: str = "127.0.0.1"
    spark_metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    openlineage_url: str = ""
    openlineage_api_key: SecretStr = SecretStr("")
    openlineage_namespace: Annotated[str, Field(min_length=1)] = "firehose"

    api_host: str = "127.0.0.1"
    api_port: Annotated[int, Field(ge=0, le=65535)] = 8000
    api_key: SecretStr = SecretStr("")
    api_url: str = "http://127.0.0.1:8000"

    llm_base_url: str = ""
    llm_model: str = ""
    llm_api_key: SecretStr = SecretStr("")
    llm_timeout_seconds: Annotated[float, Field(ge=1, le=120)] = 20.0
    slack_webhook_url: SecretStr = SecretStr("")
    telegram_bot_token: SecretStr = SecretStr("")
    telegram_chat_id: str = ""
    telegram_base_url: str = "https://api.telegram.org"
    jira_base_url: str = ""
    jira_email: str = ""
    jira_api_token: SecretStr = SecretStr("")
    jira_project: str = ""
    pulse_minutes: Annotated[int, Field(ge=1, le=1440)] = 15

    data_dir: Path = Path(".data")
    jars_dir: Path = Path("~/.cache/firehose/jars")
    n8n_dir: Path = Path("~/.cache/firehose/n8n")
    n8n_port: Annotated[int, Field(ge=1, le=65535)] = 5678
    n8n_editor_base_url: str = ""
    producer_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = "producer"
    producer_metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    producer_stop_seconds: Annotated[float, Field(ge=0, le=600)] = 10.0
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("symbols", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple):
            return value
        terms = tuple(dict.fromkeys(str(part).strip() for part in parts))
        symbol_spec.parse(terms)
        return terms

    @field_validator("known_symbols", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        return names(value) if isinstance(value, str) else value

    @field_validator("binance_ws_url")
    @classmethod
    def _websocket(cls, url: str) -> str:
        return with_scheme(url, ("ws://", "wss://"))

    @field_validator("binance_rest_url", "api_url", "telegram_base_url")
    @classmethod
    def _http(cls, url: str) -> str:
        return with_scheme(url, ("http://", "https://"))

    @field_validator("spike_webhook_url", "slack_webhook_url")
    @classmethod
    def _secret_http(cls, url: SecretStr) -> SecretStr:
        cls._http_or_off(url.get_secret_value())
        return url  # to the letter: a webhook's address may end with a slash

    @field_validator("llm_base_url", "jira_base_url", "openlineage_url")
    @classmethod
    def _http_or_off(cls, url: str) -> str:
        return cls._http(url) if url else url

    @field_validator("data_dir")
    @classmethod
    def _in_addresses(cls, folder: Path) -> Path:
        # The folder becomes part of file: and sqlite: addresses, where these end or mean more.
        if set("#?%") & set(str(folder.expanduser().resolve())):
            raise ValueError("the folder's path can't hold # ? or %")
        return folder

    @field_validator("kafka_ca_file", "s3_ca_file")
    @classmethod
    def _authorities(cls, path: str) -> str:
        return pem.check(path)

    @model_validator(mode="after")
    def _settle(self) -> "Settings":
        setting_rules.check(self)
        return self

    def as_env(self) -> dict[str, str]:
        """These settings as environment variables, for a child process (secrets in clear)."""
        return {name.upper(): env_text(value) for name, value in self}

    @property
    def data_path(self) -> Path:
        """The folder of the embedded stack's state, absolute."""
        return self.data_dir.expanduser().resolve()

    @property
    def catalog_db(self) -> Path:
        """The SQLite file of the embedded catalog: LAKE_CATALOG_URI's, or the data folder's."""
        if self.lake_catalog_uri.startswith("sqlite:///"):
            return Path(self.lake_catalog_uri.removeprefix("sqlite:///"))
        return self.data_path / "catalog.db"

    def require_sqlite_catalog(self) -> None:
        """SettingsError where LAKE_CATALOG_URI names no SQLite file."""
        if self.lake_catalog_uri and not self.lake_catalog_uri.startswith("sqlite:///"):
            raise SettingsError(
                "LAKE_CATALOG_TYPE=sql keeps its catalog in SQLite.",
                "Leave LAKE_CATALOG_URI empty or write sqlite:///path, "
                "or use LAKE_CATALOG_TYPE=rest.",
            )

    @property
    def warehouse(self) -> str:
        """Where tables live: LAKE_WAREHOUSE, or a folder in the data folder."""
        # Not as_uri(): readers take "%20" literally, and the tables would lie beside the folder.
        return self.lake_warehouse or f"file://{self.data_path / 'warehouse'}"

    @property
    def checkpoints(self) -> str:
        """Where streams keep their offsets: CHECKPOINT_DIR, or a folder in the data folder."""
        return self.checkpoint_dir or str(self.data_path / "checkpoints")

    @property
    def jars_path(self) -> Path:
        """The jar cache, shared by every data folder of this user."""
        return self.jars_dir.expanduser().resolve()

    @property
    def n8n_path(self) -> Path:
        """The cache of n8n's installation, shared by every data folder of this user."""
        return self.n8n_dir.expanduser().resolve()


def load(**overrides: object) -> Settings:
    """The settings of this process; SettingsError names the setting that can't be used."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError(sentence(error), "See .env.example for every setting.") from None


@lru_cache(maxsize=1)
def current() -> Settings:
    """`load()` without overrides, read once."""
    return load()
