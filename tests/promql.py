"""Which series a PromQL expression names, and by which labels: read from its syntax tree."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import promql_parser

from tests.metric_names import Labels


class Selector(NamedTuple):
    """One series that is asked for, and the labels that it is chosen by."""

    metric: str
    labels: Labels


def selectors(expr: str) -> list[Selector]:
    """Every vector that an expression reads. ValueError where it is no PromQL."""
    return [
        Selector(node.name or "", Labels(matcher.name for matcher in node.matchers.matchers))
        for node in _nodes(promql_parser.parse(expr))
        if isinstance(node, promql_parser.VectorSelector)
    ]


def grouped_by(expr: str) -> Labels:
    """The labels that `by`, `without`, `on` and their kin name."""
    found: set[str] = set()
    for node in _nodes(promql_parser.parse(expr)):
        modifier = getattr(node, "modifier", None)
        for holder in (modifier, getattr(modifier, "matching", None)):
            found |= set(getattr(holder, "labels", None) or ())
    return Labels(found)


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for name in ("expr", "lhs", "rhs", "param", "vector_selector", "vs"):
        if isinstance(child := getattr(node, name, None), promql_parser.Expr):
            yield from _nodes(child)
    for child in getattr(node, "args", None) or ():
        yield from _nodes(child)
