"""Dashboards: files as their code makes them, queries of series and labels that exist."""

import json
import re
from typing import Any

import promql_parser
import pytest

from tests import dashboards, metric_names, promql
from tests.dashboard_model import SCHEMA_VERSION, Dashboard, Panel
from tests.documents import ROOT

PANELS = [
    pytest.param(panel, id=f"{board.uid}: {panel.title}")
    for board in dashboards.DASHBOARDS
    for row in board.rows
    for panel in row.panels
]


def panels_of(board: Dashboard) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = board.json()["panels"]
    return found


@pytest.mark.parametrize("board", dashboards.DASHBOARDS, ids=lambda board: board.uid)
def test_the_file_is_what_the_code_makes(board: Dashboard) -> None:
    again = "write it again with `python -m tests.dashboards`"
    file = dashboards.file_of(board)
    assert file.read_text(encoding="utf-8") == dashboards.rendered(board), again
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["schemaVersion"] == SCHEMA_VERSION and found["templating"]["list"]


def test_no_other_file_lies_there() -> None:
    files = {path.name for path in dashboards.FOLDER.glob("*.json")}
    assert files == {f"{board.uid}.json" for board in dashboards.DASHBOARDS}


@pytest.mark.parametrize("board", dashboards.DASHBOARDS, ids=lambda board: board.uid)
def test_panels_fit_beside_each_other_and_ask_the_chosen_source(board: Dashboard) -> None:
    panels = panels_of(board)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
        sources = [
            panel.get("datasource"),
            *(each["datasource"] for each in panel.get("targets", ())),
        ]
        assert {source["uid"] for source in sources if source} <= {"${datasource}"}
    assert len({panel["id"] for panel in panels}) == len(panels)


@pytest.mark.parametrize("panel", PANELS)
def test_a_query_names_series_and_labels_that_exist(panel: Panel) -> None:
    known = metric_names.known()
    for query in panel.queries:
        read = promql.selectors(query.expr)
        assert read
        labels = {label for each in read for label in known[each.metric]}
        for each in read:
            assert each.labels <= known[each.metric], each
        wanted = promql.grouped_by(query.expr) | set(re.findall(r"{{(\w+)}}", query.legend))
        assert wanted <= labels, query
    assert panel.description.endswith(".") and panel.title
    assert not panel.alert or (ROOT / "docs" / "runbook" / f"{panel.alert}.md").exists()


def test_choices_are_of_labels_that_exist_and_are_used() -> None:
    known = metric_names.known()
    for board in dashboards.DASHBOARDS:
        exprs = " ".join(
            query.expr for row in board.rows for panel in row.panels for query in panel.queries
        )
        assert set(re.findall(r"\$(\w+)", exprs)) <= {each.name for each in board.variables}
        for variable in board.variables:
            assert variable.label in known[variable.metric] and f"${variable.name}" in exprs


def test_every_part_of_an_expression_is_read() -> None:
    expr = 'sum by (le) (rate(a_bucket{x="1"}[5m])) / on (z) (b > 0) or max_over_time(c[5m:1m])'
    assert [each.metric for each in promql.selectors(expr)] == ["a_bucket", "b", "c"]
    assert promql.grouped_by(expr) == {"le", "z"}
    with pytest.raises(ValueError):
        promql.selectors("rate(")
    assert promql_parser.parse("vector(0)") and not promql.selectors("vector(0)")
