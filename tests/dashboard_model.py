"""What a dashboard consists of, and its JSON as Grafana imports it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Kind = Literal["timeseries", "stat", "gauge", "table", "state-timeline", "bargauge"]
# Grafana's own number of the format; it brings older ones up to date itself.
SCHEMA_VERSION: Final = 41
COLUMNS: Final = 24
DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
RUNBOOK: Final = "docs/runbook"


@dataclass(frozen=True)
class Query:
    """PromQL, and how a series is called: `{{label}}` stands for a label's value."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One picture. `width` of 24 columns; `bounds`: value → colour from there on; `alert`: whose
    page of the runbook it names.
    """

    title: str
    description: str
    queries: Sequence[Query]
    unit: str = "short"
    kind: Kind = "timeseries"
    width: int = 8
    height: int = 7
    bounds: Sequence[tuple[float | None, str]] = ()
    decimals: int | None = None
    alert: str = ""
    words: Sequence[tuple[int, str, str]] = ()
    stacked: bool = False


@dataclass(frozen=True)
class Row:
    """A heading and the panels below it."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Variable:
    """A choice at the top: the values of a label of a metric."""

    name: str
    metric: str
    label: str


@dataclass(frozen=True)
class Dashboard:
    """`uid` is also the name of the file."""

    uid: str
    title: str
    description: str
    rows: Sequence[Row]
    variables: Sequence[Variable] = field(default_factory=tuple)

    def json(self) -> dict[str, Any]:
        """What Grafana imports."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["firehose"],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": True,
            "graphTooltip": 1,
            "timezone": "utc",
            "refresh": "10s",
            "time": {"from": "now-1h", "to": "now"},
            "timepicker": {},
            "annotations": {"list": []},
            "links": [_to_the_others()],
            "templating": {"list": [_datasource(), *map(_choice, self.variables)]},
            "panels": _placed(self.rows),
        }


def _placed(rows: Sequence[Row]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    top = 0
    for row in rows:
        found.append(_heading(row.title, len(found) + 1, top))
        top, left, height = top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                top, left, height = top + height, 0, 0
            found.append(_panel(panel, len(found) + 1, left, top))
            left, height = left + panel.width, max(height, panel.height)
        top += height
    return found


def _heading(title: str, number: int, top: int) -> dict[str, Any]:
    place = {"x": 0, "y": top, "w": COLUMNS, "h": 1}
    return {
        "id": number, "type": "row", "title": title, "gridPos": place, "collapsed": False,
        "panels": [],
    }  # fmt: skip


def _panel(panel: Panel, number: int, left: int, top: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": _description(panel),
        "datasource": DATASOURCE,
        "gridPos": {"x": left, "y": top, "w": panel.width, "h": panel.height},
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
        "targets": [
            _target(panel, query, letter)
            for query, letter in zip(panel.queries, "ABCDEFGH", strict=False)
        ],
    }
    if panel.kind == "table":
        hidden = {"Time": True, "__name__": True, "instance": True, "job": True}
        options = {"excludeByName": hidden, "indexByName": {}, "renameByName": _columns(panel)}
        found["transformations"] = [
            {"id": "merge", "options": {}},
            {"id": "organize", "options": options},
        ]
    return found


def _description(panel: Panel) -> str:
    page = f"{RUNBOOK}/{panel.alert}.md"
    return f"{panel.description} If this is bad: `{page}`." if panel.alert else panel.description


def _columns(panel: Panel) -> dict[str, str]:
    if len(panel.queries) == 1:
        return {"Value": panel.queries[0].legend}
    letters = zip(panel.queries, "ABCDEFGH", strict=False)
    return {f"Value #{letter}": query.legend for query, letter in letters}


def _target(panel: Panel, query: Query, letter: str) -> dict[str, Any]:
    now = panel.kind in {"table", "stat", "gauge", "bargauge"}
    return {
        "refId": letter,
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "format": "table" if panel.kind == "table" else "time_series",
        "instant": now,
        "range": not now,
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    steps = [{"color": colour, "value": value} for value, colour in panel.bounds]
    found: dict[str, Any] = {
        "unit": panel.unit,
        "color": {"mode": "thresholds" if steps else "palette-classic"},
        "thresholds": {"mode": "absolute", "steps": steps or [{"color": "green", "value": None}]},
        "mappings": [],
    }
    if panel.decimals is not None:
        found["decimals"] = panel.decimals
    if panel.words:
        options = {str(value): {"text": text, "color": c} for value, text, c in panel.words}
        found["mappings"] = [{"type": "value", "options": options}]
    if panel.kind == "timeseries":
        found["color"] = {"mode": "palette-classic"}
        stacking = {"mode": "normal" if panel.stacked else "none", "group": "A"}
        fill = 20 if panel.stacked else 0
        found["custom"] = {"lineWidth": 1, "fillOpacity": fill, "stacking": stacking}
    return found


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "timeseries":
        legend = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
        return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    if panel.kind == "table":
        return {"showHeader": True, "cellHeight": "sm"}
    if panel.kind == "state-timeline":
        return {"showValue": "never", "mergeValues": True, "rowHeight": 0.9}
    found: dict[str, Any] = {"reduceOptions": {"calcs": ["lastNotNull"], "values": False}}
    if panel.kind == "stat":
        found |= {"colorMode": "value", "graphMode": "none", "textMode": "auto"}
    if panel.kind == "bargauge":
        found |= {"displayMode": "basic", "orientation": "horizontal"}
    return found


def _datasource() -> dict[str, Any]:
    return {
        "name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus",
        "current": {"text": "Prometheus", "value": "prometheus"}, "hide": 0, "refresh": 1,
        "regex": "", "options": [],
    }  # fmt: skip


def _choice(variable: Variable) -> dict[str, Any]:
    query = f"label_values({variable.metric}, {variable.label})"
    return {
        "name": variable.name, "label": variable.name, "type": "query", "datasource": DATASOURCE,
        "definition": query, "query": {"query": query, "refId": "values"}, "refresh": 2,
        "sort": 1, "multi": True, "includeAll": True, "hide": 0, "regex": "", "options": [],
        "current": {"text": ["All"], "value": ["$__all"]},
    }  # fmt: skip


def _to_the_others() -> dict[str, Any]:
    return {
        "type": "dashboards", "title": "Firehose", "tags": ["firehose"], "asDropdown": True,
        "includeVars": True, "keepTime": True, "targetBlank": False, "icon": "external link",
        "tooltip": "", "url": "",
    }  # fmt: skip
