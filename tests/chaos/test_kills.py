"""Processes are killed in mid-stream: every trade is in Silver once, Gold is what it must be.

The moments are drawn from CHAOS_SEED, which a run prints; a kill of the producer is left out, as
trades that it misses are not fetched again in this version.
"""

import os
import random
import signal
import time

from lakehouse import tables
from tests.chaos import market
from tests.chaos.market import Fed
from tests.chaos.runs import Run, broker_of, java_of, kafka_records, running
from tests.commands import wait_for
from tests.places import Place

SEED = int(os.environ.get("CHAOS_SEED", "1"))
AUDIT = """
SELECT job, sum(rows_in)::BIGINT AS rows_in, sum(rows_out)::BIGINT AS rows_out,
       sum(rows_duplicate)::BIGINT AS rows_duplicate, sum(dq_fail)::BIGINT AS dq_fail
FROM lake.market.ops_audit WHERE status = 'ok' GROUP BY job
"""
BRONZE = "SELECT count(*) AS rows FROM lake.market.crypto_bronze_aggtrade"


def check_lake(place: Place, fed: Fed) -> int:
    """Silver against the market, Gold against Silver, the books against Kafka: its records."""
    assert place.nothing_left(60)
    wanted, stored = fed.trades_of_silver(), market.silver(place)
    assert len(stored) == len(wanted)
    assert {(trade.symbol, trade.agg_id): trade for trade in stored} == wanted
    assert market.wrong_in_gold(market.gold(place), stored) == []
    done = place.firehose("verify")
    assert done.returncode == 0, done.stdout
    return check_books(place)


def check_books(place: Place) -> int:
    """Kafka's records = Bronze = what went into Silver; what went out of Silver into Gold."""
    settings = place.settings
    records, letters = kafka_records(settings, settings.kafka_topic, settings.kafka_dlq_topic)
    books = {row["job"]: row for row in place.query(AUDIT)}
    silver_in = books[tables.SILVER]
    [bronze] = place.query(BRONZE)
    assert silver_in["rows_in"] == bronze["rows"] == books[tables.BRONZE]["rows_in"]
    assert bronze["rows"] == records
    assert books["dead_letters"]["rows_in"] == letters
    parts = ("rows_out", "rows_duplicate", "dq_fail")
    assert silver_in["rows_in"] == sum(silver_in[name] for name in parts)
    assert books[tables.GOLD]["rows_in"] == silver_in["rows_out"]
    return records


def ended_well(run: Run) -> str:
    output = run.end()
    assert run.process.returncode == 0, output
    assert "Traceback" not in output
    return output


def report(what: str, seconds: float, records: int, fed: Fed) -> None:
    print(
        f"\nchaos: CHAOS_SEED={SEED}, {what} in {seconds:.0f} s: {records:,} records in Kafka, "
        f"{fed.trades:,} trades made, in Silver exactly once, Gold as recomputed"
    )


def test_parts_are_killed_and_the_run_heals_itself(place: Place) -> None:
    rng, fed, began = random.Random(SEED), Fed(seed=SEED), time.monotonic()
    with running(place, fed) as run:
        run.until_silver(1)
        first = run.until_spark_is_up()
        os.kill(first, signal.SIGKILL)
        second = run.until_spark_is_up(other_than=first)
        run.until_silver(run.rows(tables.SILVER) + 1)
        java_of(second).kill()
        run.until_spark_is_up(other_than=second)
        time.sleep(rng.uniform(0, 5))
        broker_of(place.data).kill()
        output = ended_well(run)
        assert output.count("The spark ended") >= 2, output
        assert output.count("Kafka ended") == 1, output
        records = check_lake(place, fed)
        report("3 kills of parts", time.monotonic() - began, records, fed)


def test_the_whole_run_is_killed_and_the_same_command_completes_it(place: Place) -> None:
    rng, fed, began = random.Random(SEED), Fed(seed=SEED + 1), time.monotonic()
    with running(place, fed) as run:
        run.until_silver(1)
        kill(run)
    with running(place, fed) as run:
        time.sleep(rng.uniform(3, 40))
        kill(run)
    with running(place, fed) as run:
        ended_well(run)
        records = check_lake(place, fed)
        report("2 kills of the run", time.monotonic() - began, records, fed)


def kill(run: Run) -> None:
    output = run.hit(signal.SIGKILL)
    assert run.process.returncode == -signal.SIGKILL, output
    assert run.place.nothing_left(60)


def test_a_stopped_run_ends_in_order_and_goes_on_later(embedded_place: Place) -> None:
    place, fed = embedded_place, Fed(seed=SEED + 2)
    with running(place, fed) as run:
        run.until_silver(1)
        stop(run, signal.SIGINT)
    # What the first run wrote there must not be taken for the second one's.
    (place.data / "run" / "producer.json").unlink()
    with running(place, fed) as run:
        wait_for(lambda: (place.data / "run" / "producer.json").exists(), 60, "the producer")
        stop(run, signal.SIGTERM)  # the streams are still starting
    with running(place, fed) as run:
        ended_well(run)
        check_lake(place, fed)


def stop(run: Run, number: signal.Signals) -> None:
    output = run.hit(number)
    assert run.process.returncode == 0, output
    assert "Traceback" not in output
    assert "Stopped." in output
    assert run.place.nothing_left(1)
