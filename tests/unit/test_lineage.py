"""OpenLineage's events, as a real HTTP receiver gets them; the models of its client judge."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from openlineage.client import event_v2

from lakehouse import settings as settings_module
from lakehouse import tables
from lakehouse.errors import StreamError
from lakehouse.settings import Settings
from lakehouse.table_columns import columns
from spark_jobs.app import JOBS
from spark_jobs.lineage import APPLICATION, Lineage
from spark_jobs.lineage_events import place
from spark_jobs.status import StatusFile
from tests.recorders import Recorder, Reply, served

RUN_ID = "0123456789abcdef0123456789abcdef"
SILVER = tables.SILVER
KEY = "the-key-of-the-receiver"


def receiver() -> Recorder:
    return Recorder(lambda _: Reply(201))


def lineage_to(url: str, status: StatusFile, **more: float) -> tuple[Lineage, Settings]:
    settings = settings_module.load(
        _env_file=None,
        openlineage_url=url,
        openlineage_api_key=KEY,
        kafka_bootstrap_servers="kafka:9092,other:9092",
    )
    return Lineage(settings, status, RUN_ID, **more), settings


def batch(rows_in: int, rows_out: int, rejected: int) -> dict[str, Any]:
    counts = {"rows_in": rows_in, "rows_out": rows_out, "dq_fail": rejected}
    rest = {"rows_duplicate": 0, "rows_late": 0, "batch_id": 1, "max_lag_ms": 5}
    return {**counts, **rest, "finished_at": datetime(2026, 11, 21, tzinfo=UTC)}


def judged(event: Mapping[str, Any]) -> None:
    """The client's models take it: times, ids, addresses; each facet names its schema."""
    run, job = event["run"], event["job"]
    event_v2.RunEvent(
        eventTime=event["eventTime"],
        eventType=event_v2.RunState(event["eventType"]),
        run=event_v2.Run(run["runId"], run["facets"]),
        job=event_v2.Job(job["namespace"], job["name"], job["facets"]),
        inputs=[event_v2.InputDataset(each["namespace"], each["name"]) for each in event["inputs"]],
        outputs=[event_v2.OutputDataset(one["namespace"], one["name"]) for one in event["outputs"]],
    )
    assert event["schemaURL"].startswith("https://openlineage.io/spec/")
    datasets = [*event["inputs"], *event["outputs"]]
    kinds = ("facets", "inputFacets", "outputFacets")
    of_datasets = [each.get(kind) or {} for each in datasets for kind in kinds]
    holders = [run["facets"], job["facets"], *of_datasets]
    for facet in (facet for holder in holders for facet in holder.values()):
        assert facet["_schemaURL"].startswith("https://openlineage.io/spec/facets/")
        assert facet["_producer"] == "urn:firehose-lakehouse"


def events(recorder: Recorder, of_streams: bool = True) -> list[dict[str, Any]]:
    """Those of the streams, or of the application."""
    for asked in recorder.asked:
        assert (asked.method, asked.path) == ("POST", "/api/v1/lineage")
        assert asked.headers["authorization"] == f"Bearer {KEY}"
    found = [asked.json() for asked in recorder.asked]
    for event in found:
        judged(event)
    return [event for event in found if (event["job"]["name"] != APPLICATION) == of_streams]


def test_a_run_is_told_from_its_start_to_its_end_with_what_it_read_and_wrote() -> None:
    recorder, status = receiver(), StatusFile(None)
    status.add(SILVER, batch(1000, 1000, 0))  # of a run before
    with served(recorder):
        lineage, settings = lineage_to(recorder.url, status)
        with lineage.sending():
            lineage.started(SILVER)
            status.add(SILVER, batch(10, 7, 2))
            lineage.failed(SILVER, "S3Exception: 503")
            lineage.ended(SILVER)  # it has failed: no word more
            lineage.started(SILVER)
            lineage.drained = True
            lineage.ended(SILVER)
    found = events(recorder)
    assert [event["eventType"] for event in found] == ["START", "FAIL", "START", "COMPLETE"]
    ids = [event["run"]["runId"] for event in found]
    assert ids[0] == ids[1] != ids[2] == ids[3]
    failed = found[1]
    assert failed["run"]["facets"]["errorMessage"]["message"] == "S3Exception: 503"
    assert failed["run"]["facets"]["parent"]["run"]["runId"] == str(UUID(RUN_ID))
    assert failed["job"] == {**failed["job"], "namespace": "firehose", "name": SILVER}
    [read] = failed["inputs"]
    assert (read["namespace"], read["name"]) == place(settings, tables.BRONZE)
    assert read["inputFacets"]["inputStatistics"]["rowCount"] == 10
    wrote = {each["name"].rpartition("/")[2]: each for each in failed["outputs"]}
    rows = {name: each["outputFacets"]["outputStatistics"] for name, each in wrote.items()}
    assert rows[SILVER]["rowCount"] == 7 and rows[tables.QUARANTINE]["rowCount"] == 2
    fields = wrote[SILVER]["facets"]["schema"]["fields"]
    assert [field["name"] for field in fields] == [column.name for column in columns(SILVER)]
    assert {"name": "price", "type": "decimal(28,8)"}.items() <= fields[3].items()


def test_every_stream_says_what_it_reads_and_a_long_run_is_told_again_and_again() -> None:
    recorder, status = receiver(), StatusFile(None)
    with served(recorder):
        lineage, _ = lineage_to(recorder.url, status, running_seconds=0.2)
        with lineage.sending():
            for name in JOBS:
                lineage.started(name)
            recorder.wait_until(lambda: told_of(recorder) == JOBS.keys(), 60, "all to run")
    found = {event["job"]["name"]: event for event in events(recorder)}
    assert found.keys() == JOBS.keys()
    topics = {name: found[name]["inputs"][0] for name in JOBS if name not in (SILVER, tables.GOLD)}
    assert {each["namespace"] for each in topics.values()} == {"kafka://kafka:9092"}
    assert topics[tables.BRONZE]["name"] == "binance.aggtrade"


def told_of(recorder: Recorder) -> set[str]:
    """Streams of which an event says that they run."""
    found = [asked.json() for asked in list(recorder.asked)]
    running = {event["job"]["name"] for event in found if event["eventType"] == "RUNNING"}
    return running - {APPLICATION}


@pytest.mark.parametrize("end", ["COMPLETE", "ABORT", "FAIL"])
def test_the_application_is_a_run_of_its_own_the_parent_of_its_streams(end: str) -> None:
    recorder = receiver()
    with served(recorder):
        lineage, _ = lineage_to(recorder.url, StatusFile(None))
        with suppress(StreamError), lineage.sending():
            lineage.started(SILVER)
            lineage.drained = end == "COMPLETE"
            lineage.ended(SILVER)
            if end == "FAIL":
                raise StreamError("The stream failed.")
    started, ended = events(recorder, of_streams=False)
    assert [each["eventType"] for each in (started, ended)] == ["START", end]
    assert started["run"]["runId"] == ended["run"]["runId"] == str(UUID(RUN_ID))
    assert started["job"]["facets"]["jobType"]["jobType"] == "APPLICATION"
    assert "parent" not in started["run"]["facets"] and not started["inputs"]
    error = ended["run"]["facets"].get("errorMessage", {}).get("message")
    assert error == ("The stream failed." if end == "FAIL" else None)
    of_stream = events(recorder)
    assert {each["run"]["facets"]["parent"]["run"]["runId"] for each in of_stream} == {
        ended["run"]["runId"]
    }
    assert of_stream[-1]["eventType"] == ("COMPLETE" if end == "COMPLETE" else "ABORT")


@pytest.mark.parametrize("status", [401, 500])
def test_a_receiver_that_takes_nothing_is_counted_and_never_waited_for(
    status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = Recorder(lambda _: Reply(status, f"no {KEY} here"))
    with served(recorder):
        lineage, _ = lineage_to(recorder.url, StatusFile(None))
        with lineage.sending():
            recorder.wait_for(1, 30)
        [family] = lineage.collect()
        counts = {sample.labels["outcome"]: sample.value for sample in family.samples}
    assert counts["sent"] == 0 and counts["dropped"] >= 1
    told = "".join(capsys.readouterr())
    assert f"it answered {status}" in told and KEY not in told


def test_what_waits_is_bounded() -> None:
    lineage, _ = lineage_to("http://127.0.0.1:1", StatusFile(None))
    for _ in range(1500):  # nobody sends yet
        lineage.started(SILVER)
    [family] = lineage.collect()
    assert [sample.value for sample in family.samples] == [0, 500]


@pytest.mark.parametrize(
    ("warehouse", "wanted"),
    [
        ("s3://lake/warehouse", ("s3://lake", f"warehouse/market/{SILVER}")),
        ("file:///tmp/lake", ("file", f"/tmp/lake/market/{SILVER}")),
        ("main", ("http://catalog:8181", f"main.market.{SILVER}")),
    ],
)
def test_a_table_is_named_as_its_storage_is(warehouse: str, wanted: tuple[str, str]) -> None:
    settings = settings_module.load(
        _env_file=None,
        lake_warehouse=warehouse,
        lake_catalog_type="rest",
        lake_catalog_uri="http://catalog:8181",
    )
    assert place(settings, SILVER) == wanted
