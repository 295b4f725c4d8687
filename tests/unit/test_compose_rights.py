"""docker-compose.yml: who asks may only read; who trusts an authority can read its file."""

import json

import pytest

from tests.compose_file import OF_LAKE_KEY, READERS, ROOT, SERVICES, environment


@pytest.mark.parametrize("name", sorted(READERS))
def test_who_only_asks_has_a_key_that_only_reads(name: str) -> None:
    told = environment(name)
    for setting in OF_LAKE_KEY:
        reader = setting.replace("S3_", "S3_READER_")
        assert told[setting] == f"${{{reader}:-${{{setting}:?run make env}}}}"
        assert environment("minio-setup")[reader] == f"${{{reader}:-}}"
    policy = json.loads((ROOT / "docker/minio/reader.json").read_text(encoding="utf-8"))
    actions = {action for each in policy["Statement"] for action in each["Action"]}
    assert actions == {"s3:GetBucketLocation", "s3:ListBucket", "s3:GetObject"}
    script = (ROOT / "docker/minio/setup.sh").read_text(encoding="utf-8")
    assert "firehose-reader /minio/reader.json" in script


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_who_is_told_of_an_authority_can_read_its_file(name: str) -> None:
    told = {"KAFKA_CA_FILE", "S3_CA_FILE", "JAVA_TOOL_OPTIONS"} & set(environment(name))
    mounted = "./certs:/certs:ro" in SERVICES[name].get("volumes", [])
    assert mounted == bool(told)


@pytest.mark.parametrize("name", ["spark-worker-1", "spark-worker-2"])
def test_executors_find_the_truststore_where_the_driver_made_it(name: str) -> None:
    assert environment("jobs")["DATA_DIR"] == "/data"
    assert "jobs:/data" in SERVICES["jobs"]["volumes"]
    assert "jobs:/data:ro" in SERVICES[name]["volumes"]
