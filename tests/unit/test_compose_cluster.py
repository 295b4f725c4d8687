"""The Spark cluster of Compose is the one that the native tests run, and its driver is found."""

import re

from lakehouse.s3_names import aws_variables
from lakehouse.settings import Settings
from lakehouse.stack import spark_cluster
from tests.compose_file import ROOT, SERVICES, environment

WORKERS = ("spark-worker-1", "spark-worker-2")


def test_master_and_workers_are_sparks_own_as_natively() -> None:
    assert SERVICES["spark-master"]["command"][1] == spark_cluster.MASTER
    for name in WORKERS:
        assert SERVICES[name]["command"][1] == spark_cluster.WORKER
        assert SERVICES[name]["command"][-1] == environment("jobs")["SPARK_MASTER"]
        assert environment(name)["SPARK_WORKER_OPTS"] == spark_cluster._CLEANUP
        assert environment(name)["SPARK_DAEMON_MEMORY"] == spark_cluster._DAEMON_MEMORY


def test_executors_get_the_keys_of_s3_from_their_worker() -> None:
    wanted = aws_variables(Settings.model_validate(_KEYS))
    for name in WORKERS:
        assert set(wanted) <= set(environment(name))
        assert environment(name)["AWS_ACCESS_KEY_ID"] == environment("jobs")["S3_ACCESS_KEY"]


def test_the_driver_goes_by_its_name_and_shares_its_checkpoints() -> None:
    assert environment("jobs")["SPARK_DRIVER_HOST"] == SERVICES["jobs"]["hostname"] == "jobs"
    for name in ("jobs", *WORKERS):
        assert "checkpoints:/checkpoints" in SERVICES[name]["volumes"]
    dockerfile = (ROOT / "docker/spark.Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"install -d -o firehose .* /data /checkpoints /work$", dockerfile, re.M)


_KEYS = {"s3_access_key": "a", "s3_secret_key": "b"}
