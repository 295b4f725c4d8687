"""When a failed stream is started again, what ends it for good, and what its status file says."""

import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.errors import (
    FirehoseError,
    RejectLimitError,
    ResourceError,
    SettingsError,
    StackError,
    StreamError,
    UnreachableError,
    kind_of,
)
from lakehouse.settings import load
from spark_jobs import access, faults
from spark_jobs.faults import Cause
from spark_jobs.recovery import (
    FIRST_SECONDS,
    MOST_SECONDS,
    PATIENCE_SECONDS,
    WELL_SECONDS,
    Recovery,
)
from spark_jobs.status import StatusFile

OUTER = Cause("org.apache.spark.sql.streaming.StreamingQueryException", "[STREAM_FAILED] Query")
ANALYSIS = "org.apache.spark.sql.catalyst.ExtendedAnalysisException"


def pauses(recovery: Recovery, times: int, each: float = 60.0) -> list[float | None]:
    """A stream that fails `each` seconds after its start, again and again, with no batch done."""
    rng, now, found = Random(1), 0.0, []
    for _ in range(times):
        pause = recovery.failed(now + each, now, None, rng)
        found.append(pause)
        now += each + (pause or 0.0)
    return found


def test_the_pause_grows_from_one_second_to_thirty() -> None:
    found = [pause for pause in pauses(Recovery(), 12, each=0.1) if pause is not None]
    assert FIRST_SECONDS / 2 <= found[0] <= FIRST_SECONDS
    assert MOST_SECONDS / 2 <= found[-1] <= MOST_SECONDS
    assert all(pause <= min(2.0**n, MOST_SECONDS) for n, pause in enumerate(found))


def test_a_stream_that_only_fails_is_given_up_after_ten_minutes() -> None:
    found = pauses(Recovery(), 200, each=1.0)
    tries = found.index(None)
    waited = sum(pause for pause in found[:tries] if pause is not None) + tries
    assert PATIENCE_SECONDS <= waited <= PATIENCE_SECONDS + MOST_SECONDS + 2


@given(st.lists(st.tuples(st.floats(0, WELL_SECONDS - 1), st.booleans()), max_size=60))
def test_a_finished_batch_begins_the_count_anew(faults_: list[tuple[float, bool]]) -> None:
    recovery, rng, now, first_of_row = Recovery(), Random(2), 0.0, None
    for ran, finished in faults_:
        started, now = now, now + ran
        first_of_row = now if finished or first_of_row is None else first_of_row
        pause = recovery.failed(now, started, started if finished else None, rng)
        assert (pause is None) == (now - first_of_row >= PATIENCE_SECONDS)
        if pause is None:
            return
        if first_of_row == now:
            assert recovery.failures == 1
        now += pause


def test_a_batch_of_an_earlier_start_counts_for_nothing() -> None:
    recovery, rng = Recovery(), Random(3)
    recovery.failed(10.0, 5.0, None, rng)
    recovery.failed(20.0, 15.0, 6.0, rng)
    assert recovery.failures == 2


def test_a_stream_that_ran_long_with_nothing_to_do_did_well() -> None:
    recovery, rng = Recovery(), Random(4)
    assert recovery.failed(10.0, 0.0, None, rng) is not None
    assert recovery.failed(10_000.0, 10_000.0 - WELL_SECONDS, None, rng) is not None
    assert recovery.failures == 1


@pytest.mark.parametrize(
    "error",
    [
        RejectLimitError("Nearly all is rejected."),
        ResourceError("Another has the lease."),
        SettingsError("Wrong."),
    ],
)
def test_an_error_of_ours_ends_the_application_as_it_is(error: FirehoseError) -> None:
    assert faults.final("silver", error) is error


@pytest.mark.parametrize(
    "error",
    [
        UnreachableError("The exchange is away."),
        ValueError("counts"),
        OSError("broken pipe"),
        RuntimeError("conflict"),
    ],
)
def test_what_may_mend_itself_is_tried_again(error: Exception) -> None:
    assert faults.final("silver", error) is None


@pytest.mark.parametrize(
    ("chain", "kind"),
    [
        ([OUTER, Cause("java.net.ConnectException", "Connection refused")], None),
        ([OUTER, Cause("software.amazon.awssdk.services.s3.model.S3Exception", "503")], None),
        ([OUTER, Cause("org.apache.iceberg.exceptions.CommitFailedException", "stale")], None),
        ([OUTER, Cause("org.apache.iceberg.exceptions.ValidationException", "conflict")], None),
        ([OUTER, Cause("com.fasterxml.jackson.core.JsonParseException", "<html>")], None),
        ([OUTER, Cause(ANALYSIS, "[UNRESOLVED_COLUMN] no such column")], StreamError),
        ([OUTER, Cause(ANALYSIS, "[TABLE_OR_VIEW_NOT_FOUND] lake.market.x")], None),
        (
            [OUTER, Cause("java.lang.IllegalStateException", "[KAFKA_DATA_LOSS.X] gone")],
            StreamError,
        ),
        ([OUTER, Cause("java.lang.OutOfMemoryError", "Java heap space")], StackError),
        ([Cause("java.lang.IllegalStateException", "a stopped SparkContext.\nx")], StackError),
    ],
)
def test_a_chain_of_causes_is_judged_by_what_is_in_it(
    chain: list[Cause], kind: type[FirehoseError] | None
) -> None:
    found = faults.judge("crypto_silver_trades", chain)
    assert (type(found) if found else None) is kind
    if kind is StreamError:
        assert "crypto_silver_trades" in str(found)


def test_every_final_error_keeps_its_kind_over_the_process() -> None:
    for kind in (StreamError, RejectLimitError, ResourceError, UnreachableError, SettingsError):
        assert kind_of(kind.exit_code) is kind
    assert kind_of(1) is kind_of(None) is kind_of(-9) is kind_of(6) is StackError


def test_the_reason_is_the_root_in_one_line() -> None:
    chain = [OUTER, Cause("java.net.ConnectException", "\n  Connection refused. \n at x")]
    assert faults.reason(chain) == "ConnectException: Connection refused"
    assert faults.reason([Cause("java.lang.NullPointerException", "")]) == "NullPointerException"
    assert len(faults.reason([Cause("x", "y" * 9999)])) <= 300


def test_a_lake_out_of_reach_is_told_with_its_places(tmp_path: Path) -> None:
    settings = load(_env_file=None, data_dir=tmp_path)
    told = faults.unreachable(settings, OSError("no such folder"))
    assert str(tmp_path / "catalog.db") in told.message and "no such folder" in told.message
    rest = load(
        _env_file=None, data_dir=tmp_path, lake_catalog_type="rest",
        lake_catalog_uri="http://127.0.0.1:1/iceberg", lake_warehouse="s3://w",
        lake_catalog_credential="a:secret",
    )  # fmt: skip
    told = faults.unreachable(rest, OSError("refused"))
    assert "http://127.0.0.1:1/iceberg" in told.message and "s3://w" in told.message
    assert "secret" not in str(told)


@pytest.mark.parametrize(
    ("cause", "named"),
    [
        (Cause("org.apache.kafka.common.errors.SaslAuthenticationException", "no"), "KAFKA_PASSW"),
        (Cause("org.apache.kafka.common.errors.SslAuthenticationException", "no"), "KAFKA_CA_FILE"),
        (
            Cause("software.amazon.awssdk.services.s3.model.S3Exception", "InvalidAccessKeyId"),
            "S3_",
        ),
        (Cause("software.amazon.awssdk.services.s3.model.S3Exception", "ExpiredToken"), "expired"),
        (Cause("s3.model.S3Exception", "Access Denied (Service: S3, Status Code: 403)"), "rights"),
        # A HEAD is answered without a reason: it may be either.
        (Cause("s3.model.S3Exception", "Forbidden (Service: S3, Status Code: 403)"), "S3_SECRET"),
        (Cause("org.apache.iceberg.exceptions.NotAuthorizedException", "401"), "LAKE_CATALOG_CRED"),
        (Cause("javax.net.ssl.SSLHandshakeException", "PKIX path building failed"), "S3_CA_FILE"),
    ],
)
def test_who_is_refused_is_told_the_setting(cause: Cause, named: str) -> None:
    found = access.refused([OUTER, cause], faults.reason([cause]))
    assert found is not None and named in str(found)
    assert access.refused([OUTER, Cause("java.net.ConnectException", "refused")], "x") is None


def audit_row(**more: Any) -> dict[str, Any]:
    counts = dict.fromkeys(("rows_in", "rows_out", "rows_duplicate", "rows_late", "dq_fail"), 1)
    finished = datetime(2026, 1, 1, tzinfo=UTC)
    return {**counts, "batch_id": 7, "max_lag_ms": 80, "finished_at": finished, **more}


def test_the_status_file_tells_of_faults_until_a_batch_is_done(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    status = StatusFile(path)

    def told() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(path.read_text())["jobs"]["silver"]
        return found

    status.add("silver", audit_row())
    assert not path.exists(), "the file says that the streams have started"
    status.open()
    assert told()["restarts"] == 0 and told()["last_error"] is None
    status.failed("silver", "S3Exception: 503")
    since = told()["failing_since"]
    status.restarted("silver")
    status.failed("silver", "S3Exception: 500")
    assert told()["failing_since"] == since is not None
    assert (told()["restarts"], told()["last_error"]) == (1, "S3Exception: 500")
    status.add("silver", audit_row(batch_id=8))
    assert told()["failing_since"] is None and told()["last_error"] == "S3Exception: 500"
    assert (told()["rows_in"], told()["batch_id"]) == (2, 8)
    status.failed("silver", "x")
    status.well("silver")
    assert told()["failing_since"] is None


def test_a_job_that_only_failed_has_a_whole_entry(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    status = StatusFile(path)
    status.open()
    status.failed("gold", "x")
    found = json.loads(path.read_text())["jobs"]["gold"]
    assert found["rows_in"] == 0 and found["finished_at"] is None
