"""What lies in the bucket, held against what the tables' metadata names."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pyarrow import fs
from pyiceberg.table import Table

from lakehouse import tables
from lakehouse.catalog import rest_catalog
from lakehouse.settings import Settings

_SCHEME = "s3://"
_HINT = "version-hint.text"


@dataclass
class Bucket:
    """Files and bytes that tables name; `debris` that none names; `absent` that are not there."""

    files: int = 0
    size: int = 0
    debris: dict[str, int] = field(default_factory=dict)
    oldest_debris: timedelta = timedelta()
    absent: list[str] = field(default_factory=list)

    def line(self) -> str:
        """The figures in one line."""
        debris = sum(self.debris.values()) / 1e6
        return (
            f"{self.files:,} files of {self.size / 1e6:.1f} MB named by tables, "
            f"{len(self.debris):,} of {debris:.1f} MB by none, the oldest "
            f"{self.oldest_debris.total_seconds() / 60:.0f} min old"
        )


def survey(settings: Settings) -> Bucket:
    """Every file of the warehouse, and every file that a table's metadata names."""
    catalog = rest_catalog(settings)
    named: set[str] = set()
    for identifier in catalog.list_tables(tables.NAMESPACE):
        named |= set(_named(catalog.load_table(identifier)))
    there = {info.path: info for info in _listed(settings)}
    debris = {path: info for path, info in there.items() if path not in named}
    now = datetime.now(UTC)
    return Bucket(
        files=len(named),
        size=sum(there[path].size for path in named & there.keys()),
        debris={path: info.size for path, info in debris.items()},
        oldest_debris=max((now - info.mtime for info in debris.values()), default=timedelta()),
        absent=sorted(named - there.keys()),
    )


def _listed(settings: Settings) -> list[fs.FileInfo]:
    store = fs.S3FileSystem(
        access_key=settings.s3_access_key.get_secret_value(),
        secret_key=settings.s3_secret_key.get_secret_value(),
        endpoint_override=settings.s3_endpoint,
        region=settings.s3_region,
    )
    root = fs.FileSelector(settings.warehouse.removeprefix(_SCHEME), recursive=True)
    files = [info for info in store.get_file_info(root) if info.type == fs.FileType.File]
    return [info for info in files if info.base_name != _HINT]


def _named(table: Table) -> Iterator[str]:
    """Of one table: metadata, manifest lists, manifests, data, delete and statistics files."""
    metadata = table.metadata
    yield _path(table.metadata_location)
    yield from (_path(entry.metadata_file) for entry in metadata.metadata_log)
    yield from (_path(each.statistics_path) for each in metadata.statistics)
    seen: set[str] = set()
    for snapshot in metadata.snapshots:
        yield _path(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            if manifest.manifest_path in seen:
                continue
            seen.add(manifest.manifest_path)
            yield _path(manifest.manifest_path)
            for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
                yield _path(entry.data_file.file_path)


def _path(address: str) -> str:
    return address.removeprefix(_SCHEME)
