"""One pipeline as `firehose run` and `firehose api` start it, and what its three parts tell."""

import json
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from lakehouse import tables
from spark_jobs.app import JOBS
from spark_jobs.lineage import APPLICATION
from tests import metric_names
from tests.api_process import running
from tests.commands import nothing_left, start, wait_for
from tests.recorders import Recorder, Reply, served
from tests.webhooks import webhook

START_SECONDS = 900  # on a machine that others use as well
STREAM = "firehose_spark_"
LINEAGE_KEY = "the-key-of-the-receiver"


class Pages(NamedTuple):
    """What each part's /metrics answered, and what the parts told in their files."""

    texts: Mapping[str, str]
    told: Mapping[str, dict[str, Any]]
    lineage: Sequence[Any]

    def value(self, part: str, name: str, **labels: str) -> float:
        """The only sample with this name and these labels."""
        families = text_string_to_metric_families(self.texts[part])
        found = [
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == name and sample.labels == labels
        ]
        assert len(found) == 1, (name, labels, found)
        return found[0]


@contextmanager
def pipeline(folder: Path, data: Path, env: Mapping[str, str]) -> Iterator[None]:
    words = ["run", "--simulate", "--rate", "20", "--fault", "duplicate:0.05"]
    run = start(folder, *words, "--data-dir", str(data), env=env)
    try:
        yield
        run.send_signal(signal.SIGINT)
        output, _ = run.communicate(timeout=400)
        assert run.returncode == 0, output
    finally:
        run.kill()
        run.communicate()
        assert nothing_left(data, 90)


def told_by(data: Path, part: str) -> dict[str, Any]:
    file = data / "run" / f"{part}.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    return found


def streams_run(data: Path) -> bool:
    jobs = told_by(data, "spark").get("jobs", {})
    return bool(jobs.get(tables.GOLD, {}).get("rows_in"))


def page_of(url: str) -> str:
    return httpx.get(f"{url}/metrics", timeout=30).raise_for_status().text


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    folder = tmp_path_factory.mktemp("observed")
    data = folder / "lake"
    events = Recorder(lambda _: Reply(201))
    with webhook() as hook, served(events):
        env = {"CHECK_SECONDS": "0", "SPIKE_WEBHOOK_URL": hook.url, "SPIKE_WEBHOOK_SECRET": "s"}
        env |= {"OPENLINEAGE_URL": events.url, "OPENLINEAGE_API_KEY": LINEAGE_KEY}
        with pipeline(folder, data, env), running(data, {}) as (_, api):
            wait_for(lambda: streams_run(data), START_SECONDS, "the first rows of Gold")
            wait_for(lambda: "symbol_close{" in page_of(api), 60, "the market in the API")
            told = {part: told_by(data, part) for part in ("producer", "spark")}
            urls = {part: f"http://127.0.0.1:{told[part]['metrics_port']}" for part in told}
            texts = {part: page_of(url) for part, url in (urls | {"api": api}).items()}
        logs = "".join(path.read_text(errors="replace") for path in data.glob("logs/*.log"))
        assert LINEAGE_KEY not in logs
        assert {each.headers["authorization"] for each in events.asked} == {f"Bearer {LINEAGE_KEY}"}
        yield Pages(texts, told, [asked.json() for asked in events.asked])


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", metric_names.PARTS)
def test_a_part_offers_what_is_declared_and_nothing_else(pages: Pages, part: str) -> None:
    declared = {name: labels for name, (_, labels) in metric_names.families(part).items()}
    offered = metric_names.offered(pages.texts[part])
    assert offered.keys() == declared.keys()
    assert all(offered[name] in (labels, frozenset()) for name, labels in declared.items())
    assert "process_resident_memory_bytes" in pages.texts[part]


def test_every_stream_is_told_of_as_it_is(pages: Pages) -> None:
    for name in JOBS:
        assert pages.value("spark", f"{STREAM}stream_state", stream=name, state="running") == 1
        assert pages.value("spark", f"{STREAM}stream_state", stream=name, state="failed") == 0
        assert pages.value("spark", f"{STREAM}input_rows", stream=name) >= 0
    jobs = pages.told["spark"]["jobs"]
    silver = {"stream": tables.SILVER}
    for name, field in (("rows_in", "rows_in"), ("rows_rejected", "dq_fail")):
        page = pages.value("spark", f"{STREAM}{name}_total", **silver)
        assert page >= jobs[tables.SILVER][field]
    delivered = pages.value("producer", "firehose_producer_delivered_total")
    assert 0 < pages.value("spark", f"{STREAM}rows_out_total", **silver) <= delivered
    assert pages.value("spark", f"{STREAM}batch_lag_seconds", **silver) > 0
    phase = {"stream": tables.GOLD, "phase": "addBatch"}
    assert pages.value("spark", f"{STREAM}batch_phase_seconds", **phase) > 0
    assert pages.value("spark", f"{STREAM}kafka_records_behind", stream=tables.BRONZE) >= 0
    assert pages.value("spark", f"{STREAM}lease_held") == 1
    assert pages.value("spark", f"{STREAM}spikes", status="refused") == 0


def test_the_api_tells_of_the_lake(pages: Pages) -> None:
    for table in (tables.BRONZE, tables.SILVER, tables.GOLD):
        assert pages.value("api", "firehose_lake_layer_rows", table=table) > 0
    symbol = {"exchange": "binance", "symbol": "BTCUSDT"}
    assert pages.value("api", "firehose_lake_symbol_close", **symbol) > 0
    assert pages.value("api", "firehose_lake_gaps", status="unrepairable") == 0


def test_openlineage_hears_of_each_run_from_its_start_to_its_end(pages: Pages) -> None:
    states: dict[str, list[str]] = {}
    for event in pages.lineage:
        states.setdefault(event["job"]["name"], []).append(event["eventType"])
    assert states.keys() == JOBS.keys() | {APPLICATION}
    for name, found in states.items():  # it was stopped while more was to come
        assert (found[0], found[-1]) == ("START", "ABORT"), (name, found)
    assert (pages.lineage[0]["job"]["name"], pages.lineage[-1]["job"]["name"]) == (
        APPLICATION,
        APPLICATION,
    )
    ends = {event["job"]["name"]: event for event in pages.lineage}
    [silver] = ends[tables.SILVER]["outputs"][:1]
    assert silver["outputFacets"]["outputStatistics"]["rowCount"] > 0
    assert ends[tables.BRONZE]["inputs"][0]["namespace"].startswith("kafka://127.0.0.1:")
    assert pages.value("spark", f"{STREAM}lineage_events_total", outcome="dropped") == 0
