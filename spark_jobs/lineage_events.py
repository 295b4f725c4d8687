"""OpenLineage's events: what a stream read and wrote, how it went; and the application's. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import pyspark
from openlineage.client import event_v2, set_producer
from openlineage.client.facet_v2 import (
    InputDatasetFacet,
    JobFacet,
    OutputDatasetFacet,
    RunFacet,
    documentation_job,
    error_message_run,
    input_statistics_input_dataset,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    processing_engine_run,
    schema_dataset,
    symlinks_dataset,
)
from openlineage.client.serde import Serde

from lakehouse import tables
from lakehouse.settings import Settings
from lakehouse.table_columns import columns
from spark_jobs.lineage import APPLICATION, Happening

_DEAD_LETTERS: Final = "dead_letters"
# Stream → what it reads (a table, or the setting that names a topic) and what it writes.
_READS: Final = {
    tables.BRONZE: "kafka_topic",
    _DEAD_LETTERS: "kafka_dlq_topic",
    tables.GAP: "kafka_gap_topic",
    tables.SILVER: tables.BRONZE,
    tables.GOLD: tables.SILVER,
}
_WRITES: Final = {
    tables.BRONZE: (tables.BRONZE,),
    _DEAD_LETTERS: (tables.AUDIT,),
    tables.GAP: (tables.GAP, tables.QUARANTINE),
    tables.SILVER: (tables.SILVER, tables.QUARANTINE),
    tables.GOLD: (tables.GOLD, tables.SPIKE),
}
_ABOUT: Final = {
    APPLICATION: "All streams from Kafka to Gold: one application, the parent of their runs",
    tables.BRONZE: "Every record of the trades' topic, as it came, once",
    _DEAD_LETTERS: "Counts frames that the producer could not read",
    tables.GAP: "The gap topic as a table, a row for each gap",
    tables.SILVER: "Valid trades, each exactly once; the others go to quarantine",
    tables.GOLD: "Minutes counted anew from Silver; spikes go to the outbox",
}
set_producer("urn:firehose-lakehouse")


@dataclass(frozen=True)
class Author:
    """Makes the events of one application; `run_id` is its own (32 hex digits)."""

    settings: Settings
    run_id: str

    def event(self, what: Happening) -> dict[str, Any]:
        """One event as the JSON that OpenLineage's API takes."""
        of_stream = what.stream != APPLICATION
        event = event_v2.RunEvent(
            eventType=event_v2.RunState(what.state),
            eventTime=datetime.fromtimestamp(what.at, UTC).isoformat(),
            run=event_v2.Run(what.run_id, self._run_facets(what)),
            job=event_v2.Job(self.settings.openlineage_namespace, what.stream, _job(what.stream)),
            inputs=[self._input(what)] if of_stream else [],
            outputs=list(self._outputs(what)) if of_stream else [],
        )
        return Serde.to_dict(event)

    def _run_facets(self, what: Happening) -> dict[str, RunFacet]:
        engine = processing_engine_run.ProcessingEngineRunFacet(pyspark.__version__, "spark")
        found: dict[str, RunFacet] = {"processing_engine": engine}
        if what.stream != APPLICATION:
            parent = parent_run.Job(self.settings.openlineage_namespace, APPLICATION)
            run = parent_run.Run(str(UUID(self.run_id)))
            found["parent"] = parent_run.ParentRunFacet(run, parent)
        if what.error:
            found["errorMessage"] = error_message_run.ErrorMessageRunFacet(what.error, "PYTHON")
        return found

    def _input(self, what: Happening) -> event_v2.InputDataset:
        source = _READS[what.stream]
        rows = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(what.rows_in)
        facets: dict[str, InputDatasetFacet] = {"inputStatistics": rows}
        if source in tables.ALL:
            namespace, name = place(self.settings, source)
            return event_v2.InputDataset(namespace, name, facets, facets=_of_table(source))
        broker = self.settings.kafka_bootstrap_servers.split(",")[0]
        topic = getattr(self.settings, source)
        return event_v2.InputDataset(f"kafka://{broker}", topic, facets)

    def _outputs(self, what: Happening) -> Iterable[event_v2.OutputDataset]:
        statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet
        rows = {what.stream: what.rows_out, tables.QUARANTINE: what.rows_rejected}
        for table in _WRITES[what.stream]:
            namespace, name = place(self.settings, table)
            facets: dict[str, OutputDatasetFacet] = {}
            if table in rows:
                facets["outputStatistics"] = statistics(rows[table])
            yield event_v2.OutputDataset(namespace, name, facets, facets=_of_table(table))


def place(settings: Settings, table: str) -> tuple[str, str]:
    """Namespace and name of a table, as OpenLineage names what lies in a storage."""
    parts = urlsplit(settings.warehouse)
    path = f"{parts.path.rstrip('/')}/{tables.NAMESPACE}/{table}"
    if parts.scheme == "file":
        return "file", path
    if parts.netloc:
        return f"{parts.scheme}://{parts.netloc}", path.lstrip("/")
    return settings.lake_catalog_uri, f"{settings.warehouse}.{tables.NAMESPACE}.{table}"


def _of_table(table: str) -> dict[str, Any]:
    fields = [
        schema_dataset.SchemaDatasetFacetFields(name, kind.lower(), comment)
        for name, kind, comment in columns(table)
    ]
    alias = symlinks_dataset.Identifier(tables.CATALOG, f"{tables.NAMESPACE}.{table}", "TABLE")
    return {
        "schema": schema_dataset.SchemaDatasetFacet(fields),
        "symlinks": symlinks_dataset.SymlinksDatasetFacet([alias]),
    }


def _job(stream: str) -> dict[str, JobFacet]:
    kind = "APPLICATION" if stream == APPLICATION else "JOB"
    return {
        "jobType": job_type_job.JobTypeJobFacet("STREAMING", "SPARK", kind),
        "documentation": documentation_job.DocumentationJobFacet(_ABOUT[stream]),
    }
