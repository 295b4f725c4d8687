"""Which symbol is on which connection: each exactly once, bounded, and nobody moves."""

from hypothesis import given
from hypothesis import strategies as st

from producer.shard import Assignment

NAMES = [f"S{number:02}" for number in range(40)]
WANTED = st.lists(st.sampled_from(NAMES), max_size=40, unique=True)


@given(st.integers(1, 8), st.lists(WANTED, min_size=1, max_size=12))
def test_any_changes_keep_every_symbol_once_in_its_place(most: int, steps: list[list[str]]) -> None:
    assignment = Assignment(most)
    for wanted in steps:
        before, shards_before = dict(assignment.shard_of), set(assignment.shards)
        changes = assignment.set(wanted)
        held = [symbol for shard in assignment.shards.values() for symbol in shard]
        assert sorted(held) == sorted(wanted)
        assert all(0 < len(shard) <= most for shard in assignment.shards.values())
        for number, shard in assignment.shards.items():
            assert all(assignment.shard_of[symbol] == number for symbol in shard)
        stayed = before.keys() & set(wanted)
        assert all(assignment.shard_of[symbol] == before[symbol] for symbol in stayed)
        added = {name: number for number, names in changes.added.items() for name in names}
        assert added == {name: assignment.shard_of[name] for name in set(wanted) - before.keys()}
        removed = {name: number for number, names in changes.removed.items() for name in names}
        assert removed == {name: before[name] for name in before.keys() - set(wanted)}
        # A number never comes back: what is still closing can't be taken for what is new.
        assert all(
            new > max(shards_before, default=-1) for new in set(added.values()) - shards_before
        )


@given(st.integers(1, 10), WANTED)
def test_at_first_there_are_no_more_connections_than_needed_and_all_are_alike(
    most: int, wanted: list[str]
) -> None:
    assignment = Assignment(most)
    assignment.set(wanted)
    sizes = [len(shard) for shard in assignment.shards.values()]
    assert len(sizes) == -(-len(wanted) // most)
    assert not sizes or max(sizes) - min(sizes) <= 1


def test_new_symbols_fill_the_emptiest_shard() -> None:
    assignment = Assignment(3)
    assignment.set(["A", "B", "C", "D", "E", "F"])
    assignment.set(["A", "B", "C", "E"])
    emptier = min(assignment.shards, key=lambda shard: len(assignment.shards[shard]))
    assert assignment.set(["A", "B", "C", "E", "G"]).added == {emptier: ["G"]}


def test_symbols_keep_the_order_in_which_they_came() -> None:
    assignment = Assignment(1024)
    assignment.set(["B", "A"])
    assignment.set(["A", "C", "B"])
    assert assignment.symbols == ("B", "A", "C")
