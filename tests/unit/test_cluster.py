"""What Spark is told of a cluster and of checkpoints on S3, and that no secret is among it."""

import os
import socket

import pytest

from lakehouse import doctor
from lakehouse import settings as settings_module
from lakehouse.errors import UnreachableError
from lakehouse.pipeline import preflight
from lakehouse.s3_names import aws_variables
from lakehouse.settings import Settings
from lakehouse.stack import ports
from spark_jobs import cluster, s3_checkpoints, session

S3 = {
    "s3_endpoint": "http://127.0.0.1:9000",
    "s3_access_key": "the-access-key",
    "s3_secret_key": "the-secret-key",
    "lake_warehouse": "s3://lake/warehouse",
}


def settings(**more: object) -> Settings:
    return settings_module.load(_env_file=None, **more)


@pytest.mark.parametrize(
    ("master", "named", "host"),
    [
        ("local[2]", "", "127.0.0.1"),
        ("spark://127.0.0.1:7077", "", "127.0.0.1"),
        ("spark://localhost:7077", "", "127.0.0.1"),
        ("spark://master:7077", "", ""),
        ("spark://127.0.0.1:7077,master:7077", "", ""),
        ("spark://master:7077", "streams", "streams"),
        ("k8s://https://kubernetes", "", ""),
    ],
)
def test_where_executors_find_the_driver(master: str, named: str, host: str) -> None:
    chosen = settings(spark_master=master, spark_driver_host=named)
    assert cluster.driver_host(chosen) == host
    assert cluster.configuration(chosen, "").get("spark.driver.host", "") == host


def test_an_executor_is_given_its_memory_and_a_share_of_the_cores() -> None:
    alone = cluster.configuration(settings(), "")
    assert not [name for name in alone if "executor" in name or "cores" in name]
    chosen = settings(spark_master="spark://master", spark_executor_memory="3g", spark_max_cores=5)
    told = cluster.configuration(chosen, "")
    assert (told["spark.executor.memory"], told["spark.cores.max"]) == ("3g", "5")
    everything = chosen.model_copy(update={"spark_max_cores": 0})
    assert "spark.cores.max" not in cluster.configuration(everything, "")


def test_a_master_that_does_not_answer_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    [port] = ports.free_ports(1)
    [other] = ports.free_ports(1)
    nobody = settings(
        spark_master=f"spark://127.0.0.1:{port}", binance_rest_url=f"http://127.0.0.1:{other}"
    )
    for asked in (cluster.prepare, preflight.check):
        with pytest.raises(UnreachableError, match=f"spark://127.0.0.1:{port} does not answer"):
            asked(nobody)
    found = {each.name: each for each in doctor.check_servers(nobody)}
    assert not found["Spark master"].ok
    with socket.create_server(("127.0.0.1", port)):
        cluster.prepare(nobody)


def test_beyond_this_machine_spark_is_not_kept_on_the_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SPARK_LOCAL_IP", raising=False)
    cluster.prepare(settings(spark_master="k8s://https://kubernetes"))
    assert "SPARK_LOCAL_IP" not in os.environ


@pytest.mark.parametrize("place", ["", "/srv/checkpoints", "file:///srv/checkpoints"])
def test_checkpoints_in_a_folder_need_nothing(place: str) -> None:
    assert s3_checkpoints.configuration(settings(checkpoint_dir=place, **S3)) == {}


@pytest.mark.parametrize("scheme", ["s3", "s3a"])
def test_checkpoints_on_s3_are_whole_files_at_the_lakes_own_s3(scheme: str) -> None:
    told = s3_checkpoints.configuration(settings(checkpoint_dir=f"{scheme}://bucket/path", **S3))
    assert "Abortable" in told["spark.sql.streaming.checkpointFileManagerClass"]
    assert told["spark.hadoop.fs.s3a.endpoint"] == S3["s3_endpoint"]


def test_no_secret_is_among_sparks_settings() -> None:
    chosen = settings(
        spark_master="spark://master:7077", checkpoint_dir="s3://bucket/path",
        lake_catalog_type="rest", lake_catalog_uri="http://127.0.0.1:8181",
        lake_catalog_credential="lake:the-secret-key", **S3,
    )  # fmt: skip
    told = session.configuration(chosen, [])
    assert not [name for name, value in told.items() if "the-" in value]
    assert aws_variables(chosen) == {
        "AWS_ACCESS_KEY_ID": "the-access-key",
        "AWS_SECRET_ACCESS_KEY": "the-secret-key",
        "AWS_REGION": "us-east-1",
    }
