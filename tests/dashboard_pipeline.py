"""The dashboard of the pipeline: what runs, how fast, how far behind."""

from tests.dashboard_model import Panel, Query, Row
from tests.dashboard_parts import GOOD_AT_1, one, quantiles, up

STATE = Row(
    "Is it running",
    (
        up("producer", "Producer", "ProducerDown"),
        up("spark", "Spark", "SparkDown"),
        up("api", "API", "ApiDown"),
        Panel(
            "Connections that stand",
            "Connections to the exchange, of those that all symbols together need.",
            (
                Query("firehose_producer_connected", "stand"),
                Query("firehose_producer_shards", "needed"),
            ),
            kind="stat", width=6, height=4, alert="ProducerDisconnected",
        ),
        Panel(
            "Source",
            "What /v1/health says of the lake: 1 ok, 2 degraded, 3 stale.",
            one(
                'firehose_lake_source_status{status="ok"}'
                ' + on () 2 * firehose_lake_source_status{status="degraded"}'
                ' + on () 3 * firehose_lake_source_status{status="stale"}',
                "source",
            ),
            kind="stat", width=6, height=4, bounds=((None, "green"), (2, "yellow"), (3, "red")),
            words=((1, "ok", "green"), (2, "degraded", "yellow"), (3, "stale", "red")),
        ),
    ),
)  # fmt: skip
EXCHANGE = Row(
    "Exchange → Kafka",
    (
        Panel(
            "Trades received", "Trades a second, by symbol.",
            one(
                "sum by (symbol) (rate(firehose_producer_trades_received_total[1m]))",
                "{{symbol}}",
            ),
            "cps", stacked=True, alert="ProducerNotReceiving",
        ),
        Panel(
            "Acknowledged by Kafka", "Trades a second, and messages still on their way.",
            (
                Query("rate(firehose_producer_delivered_total[1m])", "acknowledged a second"),
                Query("firehose_producer_in_flight", "on their way"),
            ),
            alert="KafkaNotAcknowledging",
        ),
        Panel(
            "From reading to acknowledgement", "Median and 99 %.",
            quantiles("firehose_producer_receive_to_ack_seconds"), "s",
        ),
        Panel(
            "Connections", "Reconnects, rotations and failed attempts in 5 minutes.",
            (
                Query("increase(firehose_producer_reconnects_total[5m])", "reconnects"),
                Query("increase(firehose_producer_rotations_total[5m])", "rotations"),
                Query("increase(firehose_producer_connect_failures_total[5m])", "failures"),
                Query("increase(firehose_producer_silent_connections_total[5m])", "silent"),
            ),
        ),
        Panel(
            "Backpressure", "Share of the time that is not read as Kafka is behind.",
            one("rate(firehose_producer_backpressure_seconds_total[1m])", "not reading"),
            "percentunit",
        ),
        Panel(
            "REST", "Request weight in the exchange's minute; requests a second by outcome.",
            (
                Query("firehose_producer_rest_weight_used", "weight used"),
                Query(
                    "sum by (outcome) (rate(firehose_producer_rest_requests_total[1m]))",
                    "{{outcome}}",
                ),
            ),
        ),
    ),
)  # fmt: skip
STREAMS = Row(
    "Kafka → Bronze → Silver → Gold",
    (
        Panel(
            "State of each stream", "Green: it runs. Red: it is started again, or has failed.",
            one(
                'firehose_spark_stream_state{state="running", stream=~"$stream"}', "{{stream}}"
            ),
            kind="state-timeline", width=12, bounds=GOOD_AT_1,
            words=((0, "not running", "red"), (1, "running", "green")), alert="StreamNotRunning",
        ),
        Panel(
            "Failures and restarts", "In 10 minutes, by stream.",
            (
                Query(
                    'increase(firehose_spark_failures_total{stream=~"$stream"}[10m])',
                    "{{stream}} failed",
                ),
                Query(
                    'increase(firehose_spark_restarts_total{stream=~"$stream"}[10m])',
                    "{{stream}} started again",
                ),
            ),
            width=12, alert="StreamRestartsOften",
        ),
        Panel(
            "Rows written", "Rows a second, by stream.",
            one('rate(firehose_spark_rows_out_total{stream=~"$stream"}[1m])', "{{stream}}"),
            "rowsps",
        ),
        Panel(
            "Lag of the newest batch",
            "From the producer's receipt of its oldest row to the batch's end.",
            one('firehose_spark_batch_lag_seconds{stream=~"$stream"}', "{{stream}}"), "s",
        ),
        Panel(
            "Since the last finished batch", "Grows while a stream has nothing to do as well.",
            one(
                'time() - firehose_spark_batch_finished_timestamp{stream=~"$stream"}',
                "{{stream}}",
            ), "s",
        ),
        Panel(
            "Time of a batch by phase", "Of the last one; addBatch is the work itself.",
            one(
                "firehose_spark_batch_phase_seconds"
                '{stream=~"$stream", phase!="triggerExecution"}',
                "{{stream}} {{phase}}",
            ), "s", width=12,
        ),
        Panel(
            "Kafka records not read yet", "Of the partition that is furthest behind.",
            one('firehose_spark_kafka_records_behind{stream=~"$stream"}', "{{stream}}"),
            width=12, alert="KafkaLag",
        ),
        Panel(
            "Age of each layer", "Time since its newest commit.",
            one("time() - firehose_lake_layer_commit_timestamp", "{{table}}"), "s",
            width=12, alert="LayerStale",
        ),
        Panel(
            "Files of each table", "All of them, and those of position deletes: another engine's.",
            (
                Query("firehose_lake_table_files", "{{table}}"),
                Query("firehose_lake_table_delete_files > 0", "{{table}} deletes"),
            ),
            width=12,
        ),
        Panel(
            "Files of the fullest hour",
            "What the last compaction left; the newest hour is not touched.",
            one("firehose_spark_fullest_hour_files", "{{table}}"),
            width=12, alert="SmallFilesGrow",
        ),
        Panel(
            "Events of spikes", "The outbox, by status.",
            one("firehose_spark_spikes", "{{status}}"),
            width=12, alert="SpikeDeliveryRefused",
        ),
    ),
)  # fmt: skip
API = Row(
    "API and machine",
    (
        Panel(
            "Requests", "A second, by status.",
            one("sum by (status) (rate(firehose_api_requests_total[1m]))", "{{status}}"), "reqps",
        ),
        Panel("Answer time", "Median and 99 %.", quantiles("firehose_api_request_seconds"), "s"),
        Panel(
            "Age of the snapshot", "Time since the API last read the lake.",
            one("firehose_api_snapshot_age_seconds", "snapshot"), "s", alert="ApiSnapshotStale",
        ),
        Panel(
            "Memory", "Resident, by part; of Spark the Python process alone, without Java.",
            one('process_resident_memory_bytes{job=~"producer|spark|api"}', "{{job}}"), "bytes",
            width=12,
        ),
        Panel(
            "CPU", "Cores in use, by part.",
            one('rate(process_cpu_seconds_total{job=~"producer|spark|api"}[1m])', "{{job}}"),
            width=12,
        ),
    ),
)  # fmt: skip
