"""`python -m spark_jobs rebuild`: its result is JSON on stdout, its progress on stderr."""

import json
from typing import Annotated

import typer

from lakehouse import settings as settings_module
from lakehouse.errors import SettingsError
from lakehouse.spans import Span, instant
from spark_jobs.batch import lake_session
from spark_jobs.rebuild import GOLD, SILVER, Piece, Rebuild
from spark_jobs.rebuild_pieces import MOST_ROWS

# So many rows of a piece are sorted at a time: 100 MB or so.
_ROWS_A_TASK = 250_000
Hour = Annotated[int | None, typer.Option(help="In hours since 1970.")]


def rebuild(
    layer: str,
    first_hour: Hour = None,
    end_hour: Hour = None,
    dry_run: Annotated[bool, typer.Option(help="Only compare.")] = False,
) -> None:
    """Recompute silver or gold from the layer below; for `firehose rebuild`."""
    if layer not in (SILVER, GOLD):
        raise SettingsError(f"There is no layer {layer} to rebuild.", "Choose silver or gold.")
    settings = settings_module.load()
    with lake_session(settings, "firehose-rebuild") as spark:
        spark.conf.set("spark.sql.shuffle.partitions", str(MOST_ROWS // _ROWS_A_TASK))
        work = Rebuild(spark, settings, Span(first_hour, end_hour), dry_run)
        pieces = work.run(layer)
    print(json.dumps({"run_id": work.run_id, "pieces": [_as_json(each) for each in pieces]}))


def _as_json(piece: Piece) -> dict[str, object]:
    layer, outcome = piece
    return {
        "layer": layer,
        "from": instant(outcome.hours.first).isoformat(),
        "to": instant(outcome.hours.end).isoformat(),
        "read": outcome.counts.rows_in,
        "rejected": outcome.counts.dq_fail,
        "duplicates": outcome.counts.rows_duplicate,
        "added": outcome.change.added,
        "changed": outcome.change.changed,
        "removed": outcome.change.removed,
        "after": outcome.after,
        "kept": outcome.kept,
        "quarantined": outcome.quarantined,
        "released": outcome.released,
    }
