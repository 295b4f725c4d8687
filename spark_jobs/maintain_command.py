"""`python -m spark_jobs maintain`: its result is JSON on stdout, its progress on stderr."""

import json
import time
from contextlib import ExitStack
from typing import Annotated, Final

import typer

from lakehouse import settings as settings_module
from lakehouse.child import tell
from lakehouse.errors import ResourceError
from lakehouse.maintenance import STEPS, refuse_unknown
from spark_jobs import faults, lease
from spark_jobs.batch import lake_session
from spark_jobs.maintenance.run import LEASE, Run

_PATIENCE_SECONDS: Final = 600.0
_PAUSE_SECONDS: Final = 1.0


def maintain(
    tables: Annotated[list[str] | None, typer.Argument()] = None,
    only: Annotated[str, typer.Option(help="Steps, as a comma list.")] = ",".join(STEPS),
    dry_run: Annotated[bool, typer.Option(help="Only look.")] = False,
) -> None:
    """Compact tables and let go what nobody needs; for `firehose maintain`."""
    settings = settings_module.load()
    names, steps = list(tables or ()), only.split(",")
    refuse_unknown(names, steps)
    with lake_session(settings, "firehose-maintain") as spark, faults.reaching(settings):
        run = Run(spark, settings, names, steps, dry_run, tell)
        with ExitStack() as stack:
            _enter(stack, run)
            done = run.run()
    print(json.dumps({"run_id": run.run_id, "steps": [each.as_json() for each in done]}))


def _enter(stack: ExitStack, run: Run) -> None:
    """Take the lease; a run of the streams' application is waited for. ResourceError."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            stack.enter_context(
                lease.held(run.spark, run.settings, [LEASE], run.run_id, "firehose maintain")
            )
            return
        except ResourceError:
            if time.monotonic() > until:
                raise
            tell("another run is under way: this one waits")
            time.sleep(_PAUSE_SECONDS)
