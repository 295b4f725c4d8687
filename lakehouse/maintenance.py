"""What `firehose maintain` can be asked for: its tables and its steps. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from lakehouse import tables
from lakehouse.errors import SettingsError

# In the order of a run: what goes first leaves less to the next.
STEPS: Final = ("retention", "compact", "deletes", "manifests", "expire", "orphans")
# `ops_migration` is left alone: a row a release.
TABLES: Final = tuple(each for each in tables.ALL if each != tables.MIGRATION)


def refuse_unknown(named_tables: Iterable[str], named_steps: Iterable[str]) -> None:
    """SettingsError where one of these is none of TABLES or STEPS."""
    _refuse(named_tables, TABLES, "table")
    _refuse(named_steps, STEPS, "step")


def _refuse(named: Iterable[str], known: Sequence[str], what: str) -> None:
    unknown = sorted(set(named) - set(known))
    if unknown:
        raise SettingsError(
            f"There is no {what} {', '.join(unknown)} to maintain.",
            f"Choose from {', '.join(known)}.",
        )
