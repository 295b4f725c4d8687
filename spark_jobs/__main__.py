"""`python -m spark_jobs`: run the streams, or open a spark-sql shell on the lake."""

import json
import os
import sys
import uuid
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated

import pyspark
import structlog
import typer
from pyspark.sql import SparkSession

from lakehouse import logs
from lakehouse import settings as settings_module
from lakehouse.errors import FirehoseError, SettingsError
from lakehouse.quarantine import Selection
from lakehouse.settings import Settings
from lakehouse.stack import jars, java, kafka_probe
from spark_jobs import batch, cluster, faults, lease, maintain_command, rebuild_command, session
from spark_jobs import release as releasing
from spark_jobs.app import FROM_KAFKA, JOBS, Application
from spark_jobs.lineage import Lineage
from spark_jobs.status import StatusFile
from spark_jobs.stream import Context

app = typer.Typer(add_completion=False, help=__doc__, pretty_exceptions_enable=False)


@app.command()
def run(
    job: Annotated[
        list[str] | None, typer.Option(help=f"Only these streams: {', '.join(JOBS)}.")
    ] = None,
    status_file: Annotated[
        Path | None, typer.Option(help="Where to tell that the streams run, and how they do.")
    ] = None,
) -> None:
    """Run the streams until SIGTERM; on SIGUSR1 finish what is there, then end."""
    settings = settings_module.load()
    names = _chosen(job)
    _need_broker(settings, names)
    os.environ["JAVA_HOME"] = str(java.find().home)
    spark = session.build(settings, jars.ensure(settings, _report).spark, "firehose")
    try:
        _run(spark, settings, names, StatusFile(status_file))
    finally:
        with suppress(Exception):  # Java may have ended before
            spark.stop()


@app.command()
def shell() -> None:
    """A spark-sql shell on the lake; type `exit;` to leave it."""
    settings = settings_module.load()
    conf = session.configuration(settings, jars.ensure(settings, _report).spark)
    conf["spark.sql.catalogImplementation"] = "in-memory"  # else Hive makes files where one stands
    arguments = [word for key, value in conf.items() for word in ("--conf", f"{key}={value}")]
    session.export_credentials(settings)
    cluster.prepare(settings)
    # Its scripts look for Spark with the first Python on PATH, which need not be this one.
    home = Path(pyspark.__file__).parent
    os.environ |= {"SPARK_HOME": str(home), "JAVA_HOME": str(java.find().home)}
    binary = str(home / "bin" / "spark-sql")
    os.execv(binary, [binary, "--master", settings.spark_master, *arguments])


@app.command()
def release(
    selection: Annotated[str, typer.Argument(help="Which records: lakehouse.quarantine, as JSON.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it, not only tell.")] = False,
) -> None:
    """Put records of quarantine back through the rules: `firehose quarantine release`."""
    settings = settings_module.load()
    chosen = Selection.model_validate_json(selection)
    with batch.lake_session(settings, "firehose release") as spark:
        found = releasing.run(spark, settings, chosen, yes)
    print(found.model_dump_json())


@app.command()
def migrate() -> None:
    """Bring the lake's tables to this version: `firehose migrate`."""
    settings = settings_module.load()
    with batch.bare_session(settings, "firehose migrate") as spark, faults.reaching(settings):
        applied = session.create_tables(spark).applied
    print(json.dumps({"applied": [str(migration) for migration in applied]}))


app.command()(rebuild_command.rebuild)
app.command()(maintain_command.maintain)


def _run(spark: SparkSession, settings: Settings, names: list[str], status: StatusFile) -> None:
    run_id = uuid.uuid4().hex
    with ExitStack() as stack:
        with faults.reaching(settings):
            held = stack.enter_context(lease.held(spark, settings, names, run_id, "the streams"))
            session.create_tables(spark)
        lineage = _lineage(settings, status, run_id)
        application = Application(Context(spark, settings, run_id, status, held, lineage), names)
        application.listen()
        application.run()


def _lineage(settings: Settings, status: StatusFile, run_id: str) -> Lineage | None:
    return Lineage(settings, status, run_id) if settings.openlineage_url else None


def _chosen(job: list[str] | None) -> list[str]:
    unknown = set(job or ()) - set(JOBS)
    if unknown:
        raise SettingsError(
            f"There is no job {', '.join(sorted(unknown))}.", f"Choose from {', '.join(JOBS)}."
        )
    return [name for name in JOBS if not job or name in job]


def _need_broker(settings: Settings, names: list[str]) -> None:
    if not settings.kafka_bootstrap_servers and FROM_KAFKA & {*names}:
        raise SettingsError(
            "KAFKA_BOOTSTRAP_SERVERS is empty.",
            "`firehose run` starts a broker of its own; a job alone needs to be told of one.",
        )
    if FROM_KAFKA & {*names}:
        kafka_probe.require_right_settings(settings)  # Java's client only says, after minutes: away


def _report(text: str) -> None:
    structlog.get_logger(__name__).info("setup", step=text)


def main(entry: Callable[[], None] = app) -> None:
    """The entry point: user errors become one sentence and an exit code."""
    logs.to_stderr()
    try:
        entry()
    except FirehoseError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
