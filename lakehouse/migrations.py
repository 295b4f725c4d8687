"""The migrations: what brings a lake of an older version to the tables of this one.

`sql/migrations/<number>_<name>.sql` holds Spark SQL statements, each ended by `;`. They are applied
in order and recorded in `ops_migration` (spark_jobs/migrations.py). A `table.sql` is always the
table of today, so a lake that is made anew needs none of them. docs/schema-evolution.md has the
rules.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from lakehouse import tables
from lakehouse.errors import SettingsError

FOLDER: Final = "migrations"
RULES: Final = "See docs/schema-evolution.md."
_FILE = re.compile(r"([0-9]{4})_([a-z0-9_]+)\.sql")
# What a `;` within does not end a statement: texts, quoted names and comments.
_TOKEN = re.compile(
    r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`|(--[^\n]*|/\*.*?\*/)|(;)|.", re.DOTALL
)


@dataclass(frozen=True)
class Migration:
    """One file: `str` gives `0001_name`."""

    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """SHA-256 of the text in hexadecimal; the ends of lines don't count."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def statements(self) -> tuple[str, ...]:
        """The statements in their order, without comments and `;`."""
        return tuple(_statements(self.text))

    def __str__(self) -> str:
        return f"{self.number:04}_{self.name}"


class Record(NamedTuple):
    """What `ops_migration` holds of a migration."""

    number: int
    name: str
    sha256: str


@dataclass(frozen=True)
class Standing:
    """A lake held against the migrations that this version has."""

    pending: tuple[Migration, ...]  # not in the lake yet, in order
    changed: tuple[Migration, ...]  # in the lake with another text
    beyond: tuple[Record, ...]  # in the lake, of a newer version

    def require_usable(self) -> None:
        """SettingsError where this version must not touch the lake."""
        if self.beyond:
            raise SettingsError(
                "The lake was written by a newer version of this program: it holds the "
                f"migration {self.beyond[0].number:04}_{self.beyond[0].name}, which this one "
                "doesn't know.",
                "Upgrade the program, or name another lake.",
            )
        if self.changed:
            raise SettingsError(
                f"The migration {self.changed[0]} was changed after it was applied to this lake.",
                f"Restore its file, and put the change into a new one. {RULES}",
            )


def load() -> tuple[Migration, ...]:
    """All migrations in their order; SettingsError where their files are not numbered from 1 on."""
    found = tuple(_read(path) for path in sorted((tables.SQL / FOLDER).glob("*")))
    for number, migration in enumerate(found, start=1):
        if migration.number != number:
            raise SettingsError(
                f"The migration {migration} stands where number {number} is due.",
                f"Number them from 1 on, each number once. {RULES}",
            )
    return found


def compare(known: Sequence[Migration], recorded: Iterable[Record]) -> Standing:
    """What of `known` a lake with these records lacks, has otherwise, or has beyond it."""
    by_number = {record.number: record for record in recorded}
    return Standing(
        pending=tuple(each for each in known if each.number not in by_number),
        changed=tuple(
            each
            for each in known
            if each.number in by_number and by_number[each.number].sha256 != each.sha256
        ),
        beyond=tuple(by_number[number] for number in sorted(by_number.keys() - _numbers(known))),
    )


def _numbers(known: Iterable[Migration]) -> set[int]:
    return {migration.number for migration in known}


def _read(path: Path) -> Migration:
    match = _FILE.fullmatch(path.name)
    if match is None:
        raise SettingsError(f"{path} is no migration by its name.", f"NNNN_name.sql. {RULES}")
    return Migration(int(match[1]), match[2], path.read_text(encoding="utf-8"))


def _statements(text: str) -> Iterable[str]:
    statement = ""
    for token in _TOKEN.finditer(text):
        comment, end = token.groups()
        if end:
            if statement.strip():
                yield statement.strip()
            statement = ""
        elif not comment:
            statement += token[0]
    if statement.strip():
        yield statement.strip()
