"""A stream's checkpoint, read where it lies: in a folder or on S3."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lakehouse.catalog import s3_properties
from lakehouse.s3_names import on_s3
from lakehouse.settings import Settings

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem


class Checkpoints(Protocol):
    """The files of all checkpoints, by paths from CHECKPOINT_DIR on; OSError where one is not."""

    def read(self, path: str) -> bytes:
        """A file's content."""

    def numbers(self, folder: str) -> list[int]:
        """The numbers that are names of files in a folder: Spark names a batch's file so."""


def of(settings: Settings) -> Checkpoints:
    """Those of CHECKPOINT_DIR."""
    place = settings.checkpoints
    if on_s3(place):
        return _InS3(settings, place.partition("://")[2].rstrip("/"))
    return _InFolder(Path(place.removeprefix("file://").removeprefix("file:")))


class _InFolder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str) -> bytes:
        return (self._folder / path).read_bytes()

    def numbers(self, folder: str) -> list[int]:
        return list(_numbers(file.name for file in (self._folder / folder).iterdir()))


class _InS3:
    def __init__(self, settings: Settings, root: str) -> None:
        self._root = root
        self._files = _s3(settings, root.partition("/")[0])

    def read(self, path: str) -> bytes:
        with self._files.open_input_file(f"{self._root}/{path}") as file:
            return bytes(file.read())

    def numbers(self, folder: str) -> list[int]:
        from pyarrow.fs import FileSelector

        found = self._files.get_file_info(FileSelector(f"{self._root}/{folder}"))
        return list(_numbers(info.base_name for info in found))


def _s3(settings: Settings, bucket: str) -> "FileSystem":
    # Imported here because it takes a second, which a folder need not pay. By pyiceberg, so that
    # the S3 settings mean here what they mean for the tables.
    from pyiceberg.io.pyarrow import PyArrowFileIO

    return PyArrowFileIO(s3_properties(settings)).fs_by_scheme("s3", bucket)


def _numbers(names: Iterable[str]) -> Iterator[int]:
    return (int(name) for name in names if name.isdigit())
