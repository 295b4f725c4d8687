"""A table as of its newest commit: what its metadata file says, without the weight of its past."""

from dataclasses import dataclass
from typing import Final

import orjson
from pyiceberg.io import FileIO, load_file_io
from pyiceberg.table.metadata import TableMetadata, TableMetadataUtil
from pyiceberg.table.snapshots import Snapshot

from lakehouse.catalog import s3_properties
from lakehouse.settings import Settings

# What grows with every commit and says nothing about the newest one.
_PAST: Final = ("snapshot-log", "metadata-log", "statistics", "partition-statistics")


@dataclass(frozen=True)
class TableState:
    """One table at one commit. `location` is the address of its metadata file."""

    location: str
    metadata: TableMetadata
    io: FileIO

    @property
    def snapshot(self) -> Snapshot | None:
        """The newest snapshot; None before the first commit."""
        return self.metadata.current_snapshot()

    @property
    def rows(self) -> int:
        """Rows of the table, as the snapshot's summary counts them."""
        return self._total("total-records")

    @property
    def files(self) -> int:
        """Files of data that a scan of the whole table opens."""
        return self._total("total-data-files")

    @property
    def delete_files(self) -> int:
        """Files that say which rows of others are gone; our own writers make none."""
        return self._total("total-delete-files")

    @property
    def committed_micros(self) -> int | None:
        """When the snapshot was committed, µs since 1970 UTC."""
        snapshot = self.snapshot
        return None if snapshot is None else snapshot.timestamp_ms * 1000

    def _total(self, name: str) -> int:
        snapshot = self.snapshot
        if snapshot is None or snapshot.summary is None:
            return 0
        return int(snapshot.summary[name] or 0)


def read(settings: Settings, location: str) -> TableState:
    """The state at a metadata file; OSError or ValueError where it can't be read.

    A table that is written every second has tens of thousands of snapshots a day in this file:
    only the current one is made into objects.
    """
    io = load_file_io(s3_properties(settings), location)
    with io.new_input(location).open() as stream:
        raw = orjson.loads(stream.read())
    current = raw.get("current-snapshot-id")
    raw["snapshots"] = [one for one in raw.get("snapshots", ()) if one["snapshot-id"] == current]
    raw |= {name: [] for name in _PAST if name in raw}
    raw.pop("refs", None)
    return TableState(location, TableMetadataUtil.parse_obj(raw), io)
