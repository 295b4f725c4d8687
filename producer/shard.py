"""Which symbols are on which connection. Pure.

A shard is the set of symbols that share a connection. A symbol stays in its shard as long as it
is wanted; new symbols fill the emptiest shards; a shard that has lost its last symbol ends.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Changes(NamedTuple):
    """Per shard, what was added and removed. A shard not there before is new."""

    added: dict[int, list[str]]
    removed: dict[int, list[str]]


class Assignment:
    """Symbols by shard; a shard holds `most` symbols at most."""

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ValueError("a shard must hold a symbol")
        self.shards: dict[int, dict[str, None]] = {}
        self.shard_of: dict[str, int] = {}
        self._most = most
        self._next = 0

    @property
    def symbols(self) -> tuple[str, ...]:
        """All that are wanted, in the order in which they came."""
        return tuple(self.shard_of)

    def set(self, symbols: Iterable[str]) -> Changes:
        """From now on exactly these are wanted."""
        wanted = dict.fromkeys(symbols)
        removed = self._remove([name for name in self.shard_of if name not in wanted])
        added = self._add([name for name in wanted if name not in self.shard_of])
        for shard in [shard for shard, held in self.shards.items() if not held]:
            del self.shards[shard]
        return Changes(added, removed)

    def _remove(self, symbols: list[str]) -> dict[int, list[str]]:
        removed: dict[int, list[str]] = {}
        for symbol in symbols:
            shard = self.shard_of.pop(symbol)
            del self.shards[shard][symbol]
            removed.setdefault(shard, []).append(symbol)
        return removed

    def _add(self, symbols: list[str]) -> dict[int, list[str]]:
        self._make_room(len(symbols))
        added: dict[int, list[str]] = {}
        for symbol in symbols:
            shard = min(self.shards, key=self._size)
            self.shards[shard][symbol] = None
            self.shard_of[symbol] = shard
            added.setdefault(shard, []).append(symbol)
        return added

    def _make_room(self, count: int) -> None:
        room = sum(self._most - len(held) for held in self.shards.values())
        while room < count:
            self.shards[self._next] = {}
            self._next += 1
            room += self._most

    def _size(self, shard: int) -> int:
        return len(self.shards[shard])
