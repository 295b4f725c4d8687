"""The dashboards of data quality and of completeness."""

from tests.dashboard_model import Panel, Query, Row
from tests.dashboard_parts import AGE, ALL_IDS, GOOD_AT_0, GOOD_AT_1, one

QUALITY = (
    Row(
        "Checks",
        (
            Panel(
                "Checks that fail", "Of all that sql/<table>/checks.sql promises.",
                one('sum(firehose_lake_check_status{status="failed"}) or vector(0)', "failed"),
                kind="stat", width=4, bounds=GOOD_AT_0, alert="CheckFailed",
            ),
            Panel(
                "Results", "Green: it passed. Red: it failed or warned.",
                one('firehose_lake_check_status{status="ok"}', "{{check}}"),
                kind="state-timeline", width=20, height=12, bounds=GOOD_AT_1,
                words=((0, "not ok", "red"), (1, "ok", "green")), alert="CheckFailed",
            ),
        ),
    ),
    Row(
        "Rows",
        (
            Panel(
                "Rejected", "Share of the rows that broke a rule.",
                one(
                    'rate(firehose_spark_rows_rejected_total{stream=~"$stream"}[5m])'
                    ' / (rate(firehose_spark_rows_in_total{stream=~"$stream"}[5m]) > 0)',
                    "{{stream}}",
                ), "percentunit", alert="RejectRateHigh",
            ),
            Panel(
                "Duplicates", "Rows a second that were there already, and were not written again.",
                one(
                    'rate(firehose_spark_rows_duplicate_total{stream=~"$stream"}[5m])', "{{stream}}"
                ), "rowsps",
            ),
            Panel(
                "Late", "Rows a second older than the watermark. They are written all the same.",
                one('rate(firehose_spark_rows_late_total{stream=~"$stream"}[5m])', "{{stream}}"),
                "rowsps",
            ),
            Panel(
                "Dead letters", "Frames a minute that can't be read, by reason.",
                one(
                    "sum by (reason) (rate(firehose_producer_dead_letters_total[5m])) * 60",
                    "{{reason}}",
                ), alert="DeadLettersGrowing",
            ),
            Panel(
                "Watermark", "How far Silver's watermark is behind the clock.",
                one("time() - firehose_spark_watermark_timestamp", "{{stream}}"), "s",
            ),
            Panel(
                "Failed batches", "Of the last day or so, by stream.",
                one("firehose_lake_failed_batches", "{{stream}}"), kind="bargauge",
                bounds=GOOD_AT_0, alert="StreamRestartsOften",
            ),
        ),
    ),
)  # fmt: skip
COMPLETENESS = (
    Row(
        "Is anything missing",
        (
            Panel(
                "Open gaps", "Gaps on record and not closed.",
                one('firehose_lake_gaps{status="open"}', "open"),
                kind="stat", width=4, height=5, bounds=GOOD_AT_0, alert="GapOpenTooLong",
            ),
            Panel(
                "Missing trades", "Ids of open gaps, still sought.",
                one("firehose_lake_missing_ids", "missing"),
                kind="stat", width=5, height=5, bounds=GOOD_AT_0, alert="GapOpenTooLong",
            ),
            Panel(
                "Oldest open gap", "How long ago it was noticed.",
                one("time() - firehose_lake_open_gap_timestamp or vector(0)", "age"), "s",
                "stat", width=5, height=5, bounds=AGE, alert="GapOpenTooLong",
            ),
            Panel(
                "Unrepairable gaps", "Whose ids the exchange itself has not.",
                one('firehose_lake_gaps{status="unrepairable"}', "unrepairable"),
                kind="stat", width=5, height=5, alert="GapUnrepairable",
            ),
            Panel(
                "Unexplained", "Ids missing in Silver without a gap on record, newest hour apart.",
                one('sum(firehose_lake_hour_unexplained_ids{hours_ago!="0"}) or vector(0)', "ids"),
                kind="stat", width=5, height=5, bounds=GOOD_AT_0, alert="IdsUnexplained",
            ),
        ),
    ),
    Row(
        "By symbol and hour",
        (
            Panel(
                "Completeness by symbol", "Ids that Silver has, of those it should have.",
                one(
                    'firehose_lake_symbol_present_ids{symbol=~"$symbol"}'
                    ' / firehose_lake_symbol_expected_ids{symbol=~"$symbol"}',
                    "{{symbol}}",
                ), "percentunit", "bargauge", width=12, height=9, bounds=ALL_IDS, decimals=4,
            ),
            Panel(
                "Missing by hour", "Ids that each hour of Silver has not; 0 is the newest hour.",
                (
                    Query("firehose_lake_hour_expected_ids", "expected"),
                    Query("firehose_lake_hour_missing_ids", "missing"),
                    Query("firehose_lake_hour_unexplained_ids", "unexplained"),
                    Query("firehose_lake_hour_duplicate_ids", "twice"),
                ),
                kind="table", width=12, height=9,
            ),
            Panel(
                "Missing trades by symbol", "Of open gaps.",
                one('firehose_lake_symbol_missing_ids{symbol=~"$symbol"}', "{{symbol}}"),
                width=12, alert="GapOpenTooLong",
            ),
            Panel(
                "Age of the proof", "The commit of Silver that the ids are of; hours not read yet.",
                (
                    Query("time() - firehose_lake_proof_timestamp", "age"),
                    Query("firehose_lake_unread_hours", "hours not read"),
                ), "s", width=12,
            ),
        ),
    ),
    Row(
        "Repair in the producer",
        (
            Panel(
                "Gaps", "In 5 minutes: noticed, repaired, without ids at the exchange.",
                (
                    Query("increase(firehose_producer_gaps_total[5m])", "noticed"),
                    Query("increase(firehose_producer_gaps_repaired_total[5m])", "repaired"),
                    Query("increase(firehose_producer_gaps_unrepairable_total[5m])", "absent"),
                ), alert="GapUnrepairable",
            ),
            Panel(
                "Waiting", "Ranges and probes not finished; trades held behind a gap.",
                (
                    Query("firehose_producer_repair_pending", "ranges"),
                    Query("firehose_producer_held", "trades held"),
                    Query("firehose_producer_missing_ids", "ids not seen"),
                ),
            ),
            Panel(
                "Trades over REST", "A second.",
                one("rate(firehose_producer_rest_trades_total[1m])", "over REST"), "cps",
            ),
        ),
    ),
)  # fmt: skip
