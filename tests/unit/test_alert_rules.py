"""Alerts name series that exist, and each has its page of the runbook, whose commands exist."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from lakehouse.api.routes import router
from tests import metric_names, promql
from tests.documents import ROOT, code, table_cells

RULES = ROOT / "docker" / "prometheus" / "alerts.yml"
RUNBOOK = ROOT / "docs" / "runbook"
SEVERITIES = {"critical", "warning"}
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
}
PAGES = sorted(RUNBOOK.glob("*.md"))
# Beside those of /v1, which the router tells.
OTHER_PATHS = {"/metrics", "/health/live", "/health/ready", "/v1/completeness"}


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    assert {page.stem for page in PAGES} - {"README"} == ALERTS.keys()
    index = table_cells((RUNBOOK / "README.md").read_text(encoding="utf-8"))
    listed = {row[0]: row[1] for row in index if row[0].startswith("[")}
    assert listed == {
        f"[{name}]({name}.md)": rule["labels"]["severity"] for name, rule in ALERTS.items()
    }


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_it_means_and_where_help_is(name: str) -> None:
    rule, notes = ALERTS[name], ALERTS[name]["annotations"]
    assert rule["labels"]["severity"] in SEVERITIES
    assert len(notes["summary"]) < 80 < len(notes["summary"] + notes["description"])
    assert notes["runbook_url"] == f"docs/runbook/{name}.md"
    assert re.fullmatch(r"\d+[mh]", rule.get("for", "1m"))


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_names_series_and_labels_that_exist(name: str) -> None:
    known = metric_names.known()
    read = promql.selectors(ALERTS[name]["expr"])
    assert read
    labels = set(metric_names.TARGET_LABELS)
    for selector in read:
        assert selector.metric in known, selector
        assert selector.labels <= known[selector.metric], selector
        labels |= known[selector.metric]
    notes = " ".join(ALERTS[name]["annotations"].values())
    assert set(re.findall(r"\$labels\.(\w+)", notes)) <= labels


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_how_to_look_and_what_to_do_with_what_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert page.stem == "README" or ("## Look\n```sh\n" in text and "## Do\n- " in text)
    words = "\n".join(code(text))
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    for command in re.findall(r"docker compose (?:ps|logs|restart|stats)([a-z0-9 -]*)", words):
        named = {word for word in command.split() if re.fullmatch(r"[a-z][a-z0-9-]*", word)}
        assert named <= compose["services"].keys(), command
    paths = {getattr(route, "path", "") for route in router(None).routes}  # type: ignore[arg-type]
    for path in re.findall(r"http://127\.0\.0\.1:8000(/[\w/]+)", words):
        assert path in paths | OTHER_PATHS, path


def test_promtool_takes_the_rules() -> None:
    if (tool := shutil.which("promtool")) is None:
        pytest.skip("promtool (Debian's package prometheus) is not on the path")
    done = subprocess.run([tool, "check", "rules", str(RULES)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
