"""docs/observability.md names every metric of the streams and the API, with its labels."""

import pytest

from tests import metric_names
from tests.documents import ROOT

PAGE = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
_ENDS = {"counter": "_total", "gauge": "", "histogram": ""}


@pytest.mark.parametrize("part", ["spark", "api"])
def test_every_metric_is_documented_with_its_labels(part: str) -> None:
    told = metric_names.documented(PAGE)
    for name, (kind, labels) in metric_names.families(part).items():
        if name.endswith("_created"):  # the client's own
            continue
        cell = told[name + _ENDS[kind]]
        assert {label.strip("`") for label in cell.split(", ") if label} == labels, name


def test_no_metric_is_documented_that_is_not_there() -> None:
    known = metric_names.known().keys() | metric_names.families("api").keys()
    assert metric_names.documented(PAGE).keys() <= known


def test_no_label_is_one_that_prometheus_gives_a_target() -> None:
    for part in metric_names.PARTS:
        for labels in metric_names.names(part).values():
            assert not labels & metric_names.TARGET_LABELS
