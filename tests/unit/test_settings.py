"""Settings: one truth for names and defaults, one sentence for mistakes, no secret in either."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from lakehouse import kafka_security
from lakehouse import settings as settings_module
from lakehouse.errors import SettingsError
from lakehouse.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / ".env.example"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of this shell and no `.env` of this folder plays in."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def example_names() -> list[str]:
    return re.findall(r"^([A-Z0-9_]+)=", EXAMPLE.read_text(), flags=re.MULTILINE)


def test_the_example_names_every_setting_once_and_no_other() -> None:
    assert sorted(example_names()) == sorted(name.upper() for name in Settings.model_fields)


def test_the_example_gives_every_default() -> None:
    assert settings_module.load(_env_file=EXAMPLE) == settings_module.load(_env_file=None)
    given = dict(
        line.split("=", 1) for line in EXAMPLE.read_text().splitlines() if line[:1] != "#" and line
    )
    assert given == settings_module.load(_env_file=None).as_env()


def test_the_example_says_what_each_setting_means() -> None:
    lines = EXAMPLE.read_text().splitlines()
    for number, line in enumerate(lines):
        if "=" in line and not line.startswith("#"):
            above = lines[number - 1]
            # A key and its secret share one comment.
            assert above.startswith("# ") or line.startswith("S3_SECRET_KEY"), line


def test_the_environment_survives_the_way_to_a_child_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parent = settings_module.load(
        symbols="BTCUSDT,币安人生USDT", s3_secret_key="a b'c", trigger_seconds=0.5
    )
    for name, value in parent.as_env().items():
        monkeypatch.setenv(name, value)
    assert settings_module.load() == parent


def test_an_env_file_is_read_and_the_environment_goes_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path(".env").write_text("WATERMARK_MINUTES=7\nKAFKA_PARTITIONS=3\nNOT_OURS=1\n")
    monkeypatch.setenv("KAFKA_PARTITIONS", "5")
    monkeypatch.setenv("LOG_LEVEL", "")
    found = settings_module.load()
    assert (found.watermark_minutes, found.kafka_partitions, found.log_level) == (7, 5, "INFO")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("BTCUSDT", ("BTCUSDT",)),
        (" BTCUSDT , ETHUSDT ", ("BTCUSDT", "ETHUSDT")),
        ("BTCUSDT,ETHUSDT,BTCUSDT", ("BTCUSDT", "ETHUSDT")),
        ("1000SATSUSDT,币安人生USDT", ("1000SATSUSDT", "币安人生USDT")),
        ("BTCEUR, ALL:USDT,-LUNAUSDT", ("BTCEUR", "ALL:USDT", "-LUNAUSDT")),
    ],
)
def test_symbols_are_a_comma_list(given: str, wanted: tuple[str, ...]) -> None:
    assert settings_module.load(symbols=given).symbols == wanted


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SYMBOLS", "btcusdt"),
        ("SYMBOLS", "BTCUSDT,,ETHUSDT"),
        ("SYMBOLS", ","),
        ("SYMBOLS", "ALL:"),
        ("SYMBOLS", "ALL:usdt"),
        ("SYMBOLS", "BTCUSDT,-"),
        ("SYMBOLS", "BTCUSDT,-BTCUSDT"),
        ("SYMBOLS", "-LUNAUSDT"),
        ("SYMBOLS", "BTC/USDT"),
        ("SYMBOLS", "BTC USDT"),
        ("BINANCE_WS_URL", "https://wrong"),
        ("BINANCE_REST_URL", "wss://wrong"),
        ("KAFKA_PARTITIONS", "0"),
        ("KAFKA_PARTITIONS", "two"),
        ("TRIGGER_SECONDS", "-1"),
        ("TRIGGER_SECONDS", "nan"),
        ("LAKE_CATALOG_TYPE", "hive"),
        ("SPARK_DRIVER_MEMORY", "2 gigabytes"),
        ("LOG_LEVEL", "LOUD"),
        ("DATA_DIR", "/tmp/what?"),
        ("LLM_BASE_URL", "model.example.org/v1"),
        ("SLACK_WEBHOOK_URL", "file:///etc/passwd"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        settings_module.load()
    assert caught.value.message.startswith(f"{name}: ")
    assert "\n" not in str(caught.value)
    assert ".env.example" in caught.value.hint


def test_settings_that_do_not_fit_together_are_told() -> None:
    with pytest.raises(SettingsError, match="needs LAKE_CATALOG_URI"):
        settings_module.load(lake_catalog_type="rest")
    with pytest.raises(SettingsError, match="must differ"):
        settings_module.load(kafka_topic="a", kafka_dlq_topic="a")
    with pytest.raises(SettingsError, match="needs SPIKE_WEBHOOK_SECRET"):
        settings_module.load(spike_webhook_url="https://x/TOKEN")
    with pytest.raises(SettingsError, match="must begin with http") as caught:
        settings_module.load(spike_webhook_url="ftp://x/TOKEN", spike_webhook_secret="s")
    assert "TOKEN" not in str(caught.value)


def test_the_spike_rule_is_read_exactly_as_far_as_it_can_be_kept() -> None:
    found = settings_module.load(spike_least_return="0.000000000001", spike_z_score="99.99")
    assert found.as_env()["SPIKE_LEAST_RETURN"] == "0.000000000001"
    assert (str(found.spike_z_score), str(found.spike_volume_ratio)) == ("99.99", "3")
    for name, value in [
        ("spike_z_score", "6.001"), ("spike_z_score", "100"), ("spike_volume_ratio", "-1"),
        ("spike_volume_ratio", "2.345"), ("spike_least_return", "1e-13"),
        ("spike_least_return", "NaN"), ("spike_warm_up_minutes", "61"),
    ]:  # fmt: skip
        with pytest.raises(SettingsError, match=name.upper()):
            settings_module.load(**{name: value})


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(SettingsError, match=r"KAFKA_PARTITIONS: .*; LOG_LEVEL: "):
        settings_module.load(kafka_partitions=0, log_level="LOUD")


def test_secrets_show_in_no_print_and_no_error() -> None:
    secret = "hunter2-secret"
    found = settings_module.load(s3_access_key=secret, s3_secret_key=secret)
    assert secret not in f"{found!r} {found} {found.model_dump()} {found.model_dump_json()}"
    with pytest.raises(SettingsError) as caught:
        settings_module.load(s3_secret_key=[secret], s3_access_key=secret, lake_catalog_type=secret)
    assert secret not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_what_is_secret_by_name_is_secret_by_type() -> None:
    for name, field in Settings.model_fields.items():
        if re.search(r"secret|password|token|_key$", name):
            assert field.annotation is SecretStr, name


def test_folders_of_the_embedded_stack(tmp_path: Path) -> None:
    found = settings_module.load(data_dir=tmp_path / "my data")
    assert found.catalog_db == tmp_path / "my data" / "catalog.db"
    assert found.warehouse == f"file://{tmp_path}/my data/warehouse"
    assert found.checkpoints == f"{tmp_path}/my data/checkpoints"
    elsewhere = settings_module.load(
        lake_catalog_uri="sqlite:////srv/catalog.db", lake_warehouse="s3://b/w", checkpoint_dir="/c"
    )
    assert (str(elsewhere.catalog_db), elsewhere.warehouse) == ("/srv/catalog.db", "s3://b/w")
    assert elsewhere.checkpoints == "/c"


def test_a_secret_comes_from_the_file_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of a file \n")
    monkeypatch.setenv("S3_SECRET_KEY_FILE", str(secret))
    Path(".env").write_text(f"S3_SECRET_KEY=of-dot-env\nKAFKA_PASSWORD_FILE={secret}\n")
    found = settings_module.load()
    assert found.s3_secret_key.get_secret_value() == "of a file "
    assert found.kafka_password.get_secret_value() == "of a file "
    # What a parent hands on to a child goes before the file, which the child may not read.
    monkeypatch.setenv("S3_SECRET_KEY", "of-the-environment")
    assert settings_module.load().s3_secret_key.get_secret_value() == "of-the-environment"
    monkeypatch.setenv("LOG_LEVEL_FILE", "/nowhere")  # only secrets have files


@pytest.mark.parametrize(("content", "told"), [(None, "can't be read"), ("\n", "is empty")])
def test_a_file_of_a_secret_that_gives_none_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None, told: str
) -> None:
    if content is not None:
        (tmp_path / "secret").write_text(content)
    monkeypatch.setenv("KAFKA_PASSWORD_FILE", str(tmp_path / "secret"))
    with pytest.raises(SettingsError, match=f"KAFKA_PASSWORD_FILE: .* {told}"):
        settings_module.load()


def test_kafka_is_asked_as_the_settings_of_security_say(tmp_path: Path) -> None:
    for given, told in [
        ({"kafka_security_protocol": "SSL"}, "needs KAFKA_BOOTSTRAP_SERVERS"),
        ({"kafka_security_protocol": "SASL_SSL", "kafka_bootstrap_servers": "b:1"}, "USERNAME and"),
        ({"kafka_ca_file": str(tmp_path / "none.pem")}, "KAFKA_CA_FILE: .* can't be read"),
        ({"s3_ca_file": str(EXAMPLE)}, "S3_CA_FILE: .* no certificate"),
        ({"kafka_sasl_mechanism": "GSSAPI"}, "KAFKA_SASL_MECHANISM"),
    ]:
        with pytest.raises(SettingsError, match=told):
            settings_module.load(**given)
    plain = settings_module.load(kafka_username="u", kafka_password="p")
    assert kafka_security.for_librdkafka(plain) == kafka_security.for_java(plain, "") == {}
    user = {"kafka_username": "u", "kafka_password": 'a"b\\c', "kafka_bootstrap_servers": "b:1"}
    found = settings_module.load(kafka_security_protocol="SASL_SSL", **user)
    java = kafka_security.for_java(found, "-----BEGIN")
    assert java["sasl.jaas.config"].endswith(
        r'ScramLoginModule required username="u" password="a\"b\\c";'
    )
    assert java["ssl.truststore.certificates"] == "-----BEGIN"
    assert re.search(kafka_security.REDACTED, "kafka.sasl.jaas.config")
