"""The lake held against the exchange's formula and Kafka's records, when all is at rest."""

from dataclasses import dataclass, field
from typing import Any, Final

from lakehouse import tables
from lakehouse.query import Lake
from lakehouse.trade import Trade
from tests.chaos import market
from tests.chaos.bucket import Bucket, survey
from tests.chaos.lake_world import WATERMARK_MINUTES, LakeWorld

Row = dict[str, Any]
_MOST_TOLD: Final = 5

_SILVER = """
SELECT symbol, agg_id, price, qty, quote_qty, first_trade_id, last_trade_id,
       epoch_us(event_ts) AS us, is_buyer_maker
FROM lake.market.crypto_silver_trades
"""
_GOLD = "SELECT *, epoch_ms(minute_ts) // 60000 AS minute FROM lake.market.crypto_gold_minute"
_QUARANTINE = """
SELECT kafka_topic, kafka_partition, kafka_offset, raw, reasons, released_at
FROM lake.market.crypto_quarantine
"""
_BRONZE = """
SELECT count(*) AS n, count(DISTINCT (kafka_topic, kafka_partition, kafka_offset)) AS places
FROM lake.market.crypto_bronze_aggtrade
"""
_AUDIT = """
SELECT job, sum(rows_in)::BIGINT AS rows_in, sum(rows_out)::BIGINT AS rows_out,
       sum(rows_duplicate)::BIGINT AS rows_duplicate, sum(dq_fail)::BIGINT AS dq_fail,
       sum(rows_late)::BIGINT AS rows_late, count(*) AS batches
FROM lake.market.ops_audit WHERE status = 'ok' GROUP BY job
"""
_FAILED = "SELECT count(*) AS n FROM lake.market.ops_audit WHERE status <> 'ok'"
_GAPS = "SELECT status, count(*) AS n FROM lake.market.ops_gap GROUP BY status"


@dataclass
class LakeVerdict:
    """The figures of one judgement; `faults` says in words what must not be."""

    records: int = 0
    produced: int = 0
    lost: int = 0
    duplicated: int = 0
    wrong: int = 0
    minutes: int = 0
    quarantined: int = 0
    late: int = 0
    repeated: int = 0
    batches: int = 0
    failed_batches: int = 0
    gaps: int = 0
    bucket: Bucket = field(default_factory=Bucket)
    faults: list[str] = field(default_factory=list)

    def line(self) -> str:
        """The figures in one line."""
        return (
            f"{self.records:,} records in Kafka, {self.produced:,} trades: {self.lost} lost, "
            f"{self.duplicated} duplicated, {self.wrong} wrong in Silver; {self.minutes} minutes "
            f"of Gold as recomputed; {self.quarantined} bad records, all in quarantine; "
            f"{self.late} late; {self.repeated:,} repeated; {self.gaps} gaps closed; "
            f"{self.batches:,} batches, {self.failed_batches} failed ones on record; "
            f"{self.bucket.line()}"
        )


def judge(world: LakeWorld) -> LakeVerdict:
    """Everything that can be told from the lake, the topic and the bucket."""
    verdict = LakeVerdict(records=world.records, repeated=world.writer.repeated)
    with Lake(world.settings) as lake:
        silver = lake.rows(_SILVER)
        _judge_silver(world, silver, verdict)
        _judge_gold(lake, silver, verdict)
        _judge_quarantine(world, lake, verdict)
        _judge_books(world, lake, len(silver), verdict)
        _judge_gaps(lake, verdict)
    verdict.bucket = survey(world.settings)
    _say(verdict, "files of tables that are not in the bucket", verdict.bucket.absent)
    return verdict


def _judge_silver(world: LakeWorld, silver: list[Row], verdict: LakeVerdict) -> None:
    wanted = {(s, agg_id) for s, books in world.judge.books.items() for agg_id in books.seen}
    wanted |= world.late
    keys = [(row["symbol"], row["agg_id"]) for row in silver]
    held = set(keys)
    verdict.produced, verdict.duplicated = len(wanted), len(keys) - len(held)
    verdict.lost = len(wanted - held)
    untrue = [_key(row) for row in silver if _key(row) in wanted and not _is_true(world, row)]
    verdict.wrong = len(untrue)
    _say(verdict, "lost from Silver", sorted(wanted - held))
    _say(verdict, "in Silver, though nobody made them", sorted(held - wanted))
    _say(verdict, "with other values than the exchange's", untrue)
    if verdict.duplicated:
        verdict.faults.append(f"{verdict.duplicated} rows of Silver have the key of another")


def _key(row: Row) -> tuple[str, int]:
    return row["symbol"], row["agg_id"]


def _is_true(world: LakeWorld, row: Row) -> bool:
    tick = world.exchange.tick(*_key(row))
    trade = _trade(row)
    wanted = (tick.first_trade_id, tick.last_trade_id, tick.time // 1000 * 1000)
    found = (trade.first_trade_id, trade.last_trade_id, trade.trade_time)
    return (
        wanted == found
        and (tick.price, tick.qty) == (f"{row['price']:.8f}", f"{row['qty']:.8f}")
        and tick.is_buyer_maker == row["is_buyer_maker"]
        and row["quote_qty"] == row["price"] * row["qty"]
    )


def _judge_gold(lake: Lake, silver: list[Row], verdict: LakeVerdict) -> None:
    found = {(row["symbol"], row["minute"]): row for row in lake.rows(_GOLD)}
    verdict.minutes = len(found)
    wrong = market.wrong_in_gold(found, [_trade(row) for row in silver], WATERMARK_MINUTES)
    _say(verdict, "wrong in Gold", wrong)


def _judge_quarantine(world: LakeWorld, lake: Lake, verdict: LakeVerdict) -> None:
    rows = lake.rows(_QUARANTINE)
    place = ("kafka_topic", "kafka_partition", "kafka_offset")
    held = {tuple(row[name] for name in place): row["raw"] for row in rows}
    verdict.quarantined = len(rows)
    _say(verdict, "records twice in quarantine", range(len(rows) - len(held)))
    _say(verdict, "bad records not in quarantine", sorted(world.bad.keys() - held.keys()))
    _say(verdict, "good records in quarantine", sorted(held.keys() - world.bad.keys()))
    other = [at for at, raw in held.items() if at in world.bad and raw != world.bad[at]]
    _say(verdict, "records in quarantine with other bytes", other)
    _say(verdict, "rows of quarantine without a reason", [r for r in rows if not r["reasons"]])


def _judge_books(world: LakeWorld, lake: Lake, silver: int, verdict: LakeVerdict) -> None:
    """Kafka's records = Bronze = what went into Silver; what came out of it went into Gold."""
    books = {row["job"]: row for row in lake.rows(_AUDIT)}
    [bronze], [failed] = lake.rows(_BRONZE), lake.rows(_FAILED)
    into, out = books[tables.BRONZE], books[tables.SILVER]
    verdict.batches = sum(row["batches"] for row in books.values())
    verdict.failed_batches, verdict.late = failed["n"], out["rows_late"]
    equal = {
        "Kafka's records and Bronze's rows": (world.records, bronze["n"]),
        "Bronze's rows and their places in Kafka": (bronze["n"], bronze["places"]),
        "Bronze's audit and its rows": (into["rows_in"], bronze["n"]),
        "Silver's audit and Bronze's rows": (out["rows_in"], bronze["n"]),
        "Silver's audit and its rows": (out["rows_out"], silver),
        "Silver's audit and the bad records": (out["dq_fail"], len(world.bad)),
        "Gold's audit and Silver's rows": (books[tables.GOLD]["rows_in"], silver),
        "the dead letters and their audit": (
            books.get("dead_letters", {"rows_in": 0})["rows_in"], len(world.judge.dead_letters),
        ),
    }  # fmt: skip
    for job, row in books.items():
        parts = row["rows_out"] + row["rows_duplicate"] + row["dq_fail"]
        equal[f"{job}: rows in and their parts"] = (row["rows_in"], parts)
    _say(
        verdict,
        "do not add up",
        [f"{what}: {a} and {b}" for what, (a, b) in equal.items() if a != b],
    )


def _judge_gaps(lake: Lake, verdict: LakeVerdict) -> None:
    found = {row["status"]: row["n"] for row in lake.rows(_GAPS)}
    verdict.gaps = found.pop("repaired", 0)
    _say(verdict, "gaps of ops_gap that are not closed", [*found.items()])


def _trade(row: Row) -> Trade:
    return Trade(
        "binance", row["symbol"], row["agg_id"], str(row["price"]), str(row["qty"]),
        row["first_trade_id"], row["last_trade_id"], row["us"], 0, row["is_buyer_maker"], 0, "ws",
    )  # fmt: skip


def _say(verdict: LakeVerdict, what: str, found: Any) -> None:
    if len(found):
        verdict.faults.append(f"{len(found)} {what}: {list(found)[:_MOST_TOLD]}")
