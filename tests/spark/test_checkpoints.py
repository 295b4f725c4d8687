"""A start over what a crash has left of a checkpoint."""

from pathlib import Path

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

from spark_jobs.checkpoints import clear_debris


def run_once(spark: SparkSession, checkpoint: Path) -> None:
    rate = spark.readStream.format("rate").load()
    writer = rate.writeStream.format("noop").option("checkpointLocation", str(checkpoint))
    writer.trigger(availableNow=True).start().awaitTermination(60)


def test_half_written_first_offsets_are_cleared(spark: SparkSession, tmp_path: Path) -> None:
    offsets = tmp_path / "offsets"
    offsets.mkdir()
    (offsets / ".0.5e3a.tmp").write_bytes(b"v1\n{")
    with pytest.raises(StreamingQueryException, match="should be empty on batch 0"):
        run_once(spark, tmp_path)  # if Spark minds it no longer, the module can go
    clear_debris(f"file://{tmp_path}")
    run_once(spark, tmp_path)
    assert (offsets / "0").exists()


@pytest.mark.parametrize("place", ["", "s3://bucket"])
def test_a_stream_that_has_begun_and_an_object_store_are_left_alone(
    place: str, tmp_path: Path
) -> None:
    offsets = tmp_path / "offsets"
    offsets.mkdir()
    names = {"0", ".1.5e3a.tmp"} if not place else {".0.5e3a.tmp"}
    for name in names:
        (offsets / name).touch()
    clear_debris(f"{place}{tmp_path}")
    assert {entry.name for entry in offsets.iterdir()} == names
