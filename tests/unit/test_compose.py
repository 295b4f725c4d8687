"""docker-compose.yml: equal to the settings and to the native commands, and safe as it stands."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from lakehouse.cli import app
from lakehouse.pipeline.parts import producer_command, spark_command
from lakehouse.settings import Settings
from lakehouse.stack import n8n, n8n_environment
from lakehouse.stack.env_file import GENERATED
from tests.compose_file import (
    BY_HAND,
    FILE,
    LASTING,
    OF_LAKE_KEY,
    ONCE,
    OURS,
    PROFILES,
    READERS,
    ROOT,
    SERVICES,
    TEXT,
    environment,
    variables,
)

SECRETS = {
    name.upper()
    for name, field in Settings.model_fields.items()
    if "Secret" in str(field.annotation)
}
NAMES = {name.upper() for name in Settings.model_fields}
each_service = pytest.mark.parametrize("name", sorted(SERVICES))
each_lasting = pytest.mark.parametrize("name", sorted(LASTING))


def image_of(name: str) -> str:
    """The image that runs: of those that are built, what they are built on."""
    build = SERVICES[name].get("build")
    if build is None:
        return str(SERVICES[name]["image"])
    text = (ROOT / build["context"] / build["dockerfile"]).read_text(encoding="utf-8")
    [found] = {str(line).split()[1] for line in re.findall(r"^FROM \S+:\S+.*$", text, re.MULTILINE)}
    return found


@each_service
def test_an_image_is_pinned_by_its_tag(name: str) -> None:
    tag = image_of(name).rpartition(":")[2]
    assert re.search(r"\d+[.-]\d+", tag), image_of(name)
    assert "latest" not in tag


@each_service
def test_a_port_is_published_on_this_machine_alone_and_can_be_changed(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\$\{[A-Z0-9_]+_PORT:-\d+\}:\d+", port), port


def test_no_two_ports_are_the_same() -> None:
    ports = [port for each in SERVICES.values() for port in each.get("ports", [])]
    assert len({re.findall(r":-(\d+)", port)[0] for port in ports}) == len(ports)


@each_lasting
def test_what_lasts_is_watched_restarted_and_limited(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert {"test", "interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])


@each_service
def test_a_part_has_few_rights_and_a_limit(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert service["cap_drop"] == ["ALL"] and "privileged" not in service
    assert "no-new-privileges:true" in service["security_opt"]
    assert name not in OURS or service["read_only"] is True


@pytest.mark.parametrize("dockerfile", ["python", "spark"])
def test_our_images_run_as_nobody_in_particular_and_take_what_is_locked(dockerfile: str) -> None:
    text = (ROOT / "docker" / f"{dockerfile}.Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE)[-1] == "10001:10001"
    assert text.count("uv sync --frozen --no-dev") == 2
    pinned = re.search(r'"(uv==\S+)"', (ROOT / "pyproject.toml").read_text())
    assert pinned and pinned[1] in text


def test_the_build_sends_only_what_the_images_take() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines and "**/.env" in lines
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    texts = [(ROOT / f"docker/{name}.Dockerfile").read_text() for name in ("python", "spark")]
    found = re.findall(r"^COPY (?!--from)(?:--\S+ )*(.*) \S+$", "\n".join(texts), re.MULTILINE)
    assert {word for words in found for word in words.split()} == allowed
    assert all((ROOT / path).exists() for path in allowed)


def test_who_is_waited_for_is_there_and_the_condition_fits() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in ONCE else "service_healthy"
            assert how == {"condition": wanted}, f"{name} → {other}"
            assert set(SERVICES[other].get("profiles", [])) <= set(service.get("profiles", []))


def test_every_volume_is_named_and_used() -> None:
    mounted = [str(v).split(":")[0] for s in SERVICES.values() for v in s.get("volumes", [])]
    named = {source for source in mounted if not source.startswith("./")}
    assert named == set(FILE["volumes"])
    assert all((ROOT / source).exists() for source in mounted if source.startswith("./"))


def test_every_setting_reaches_a_part() -> None:
    passed = {name for service in SERVICES for name in environment(service)}
    # Where n8n is installed natively; its image brings it.
    missing = NAMES - passed - {"N8N_DIR", "N8N_PORT"}
    assert not missing, "add `NAME: ${NAME:-}` to an x-… block of docker-compose.yml"


# Names of other programs in the environment of our parts.
FOREIGN = {"HOME", "TZ", "JUPYTER_TOKEN"}
OF_SPARK = {"JDK_JAVA_OPTIONS", "SPARK_DAEMON_MEMORY", "SPARK_LOCAL_DIRS"}
OF_SPARK |= {f"SPARK_WORKER_{name}" for name in ("CORES", "MEMORY", "DIR", "OPTS")}
OF_S3 = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"}


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_variable_of_our_parts_is_a_setting(name: str) -> None:
    found = set(environment(name)) - FOREIGN
    found -= OF_SPARK | OF_S3 if name.startswith("spark-") else set()
    assert found <= NAMES


def test_a_setting_goes_by_its_own_name_and_without_a_default_of_its_own() -> None:
    fixed = {"API_URL", "OPENLINEAGE_URL"}
    for service in SERVICES:
        of_reader = OF_LAKE_KEY if service in READERS else set()
        for name, value in environment(service).items():
            if name in NAMES - fixed - of_reader and value.startswith("${"):
                assert value.startswith(f"${{{name}:"), f"{service}: {name}: {value}"


def test_what_n8n_is_told_as_a_default_is_ours() -> None:
    defaults = Settings.model_construct().as_env()
    for name, value in environment("n8n").items():
        default = re.fullmatch(r"\$\{[A-Z0-9_]+:-(.*)\}", value)
        if default and name in NAMES - {"N8N_EDITOR_BASE_URL"}:
            assert default[1] == defaults[name], name


def test_n8n_gets_what_the_native_one_gets_and_no_other_setting() -> None:
    found = environment("n8n")
    assert set(found) & NAMES == set(n8n_environment.FOR_WORKFLOWS)
    native = n8n_environment.environment(Settings.model_construct(), 5678, Path("/"), {})
    for name in set(native) - NAMES - {"PATH", "NODE_OPTIONS", "N8N_USER_FOLDER"}:
        if name not in ("N8N_LISTEN_ADDRESS", "N8N_RUNNERS_BROKER_PORT"):
            assert found[name] == native[name], name
    assert environment("n8n-setup") == found
    script = (ROOT / "docker/n8n/setup.sh").read_text(encoding="utf-8")
    published = re.search(r"^for id in (.*); do$", script, re.MULTILINE)
    assert published and published[1].split() == sorted(p.stem for p in n8n.WORKFLOWS.glob("*"))
    assert '"n8n": "2.41.1"' in (ROOT / "n8n/package.json").read_text()


def test_no_secret_has_a_value_here() -> None:
    rests = variables()
    assert set(GENERATED) == {
        name for name, rest in rests.items() if any(":?run make env" in each for each in rest)
    }
    readers = {"S3_READER_ACCESS_KEY", "S3_READER_SECRET_KEY"}
    assert all(rests[name] == {":?run make env"} for name in set(GENERATED) - readers)
    assert all(
        rests[name] == {":-"}
        for name in SECRETS & set(rests) - set(GENERATED) - {"SPIKE_WEBHOOK_URL"}
    )
    literal = re.compile(
        r"^ *\S*(?:PASSWORD|SECRET|TOKEN|_KEY)\S*: *(?![\s\"]*\$\{)\S", re.MULTILINE
    )
    assert literal.findall(TEXT) == []
    assert literal.findall("  API_KEY: abc\n  B_TOKEN: ${B_TOKEN:?x}") != []


def test_a_secret_goes_only_to_who_needs_it() -> None:
    holders = {name: {s for s in SERVICES if name in environment(s)} for name in SECRETS}
    assert holders["SPIKE_WEBHOOK_URL"] == {"jobs"}
    assert holders["SPIKE_WEBHOOK_SECRET"] == {"jobs", "n8n", "n8n-setup"}
    assert holders["API_KEY"] == {"api", "n8n", "n8n-setup", "cli"}
    assert holders["MANIFEST_KEY"] == {"cli"}
    assert not {"producer", "n8n"} & holders["S3_SECRET_KEY"]
    assert [s for s in SERVICES if "MINIO_ROOT_PASSWORD" in environment(s)] == [
        "minio",
        "minio-setup",
    ]


def command(service: str) -> list[str]:
    return [str(word) for word in SERVICES[service]["command"]]


def test_the_commands_are_those_of_the_native_stack() -> None:
    native = producer_command(Path("/data/symbols.json"), Path("/tmp/producer.json"))
    assert command("producer")[1:] == native[1:]
    assert command("jobs")[1:] == spark_command(Path("/tmp/spark.json"))[1:]
    assert command("checks")[1:3] == ["-m", "lakehouse.checks.service"]


@pytest.mark.parametrize("name", sorted(OURS - BY_HAND - {"notebook"}))
def test_a_command_of_ours_can_be_run(name: str) -> None:
    known = typer.main.get_group(app).commands
    match command(name):
        case ["firehose", which, *_]:
            assert which in known
        case ["python", "-m", module, *_]:
            path = ROOT / module.replace(".", "/")
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()
        case [program, *_]:
            assert program == "/opt/venv/bin/spark-class"
    test: list[str] = SERVICES[name]["healthcheck"]["test"]
    assert test[:4] == ["CMD", "python", "-m", "lakehouse.stack.healthcheck"]


def test_every_part_with_a_page_tells_its_address() -> None:
    def told(service: dict[str, Any]) -> bool:
        return {"firehose.url", "firehose.what"} <= set(service.get("labels", {}))

    published = {name for name, each in SERVICES.items() if "ports" in each}
    assert {name for name, each in SERVICES.items() if told(each)} == published


def test_the_page_of_the_stack_names_every_part_port_and_profile() -> None:
    page = (ROOT / "docs/compose.md").read_text(encoding="utf-8")
    for name in [*SERVICES, *PROFILES, *(n for n in variables() if n not in NAMES)]:
        assert f"`{name}`" in page, name
