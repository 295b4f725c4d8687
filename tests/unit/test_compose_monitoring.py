"""Prometheus and Grafana in Compose find what the parts serve and what the alerts ask for."""

import re

import yaml

from tests.compose_file import ROOT, SERVICES, environment

PROMETHEUS = ROOT / "docker/prometheus"
CONFIG = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
JOBS = {job["job_name"]: job for job in CONFIG["scrape_configs"]}


def test_each_part_is_scraped_where_it_serves_its_metrics() -> None:
    found = {name: job["static_configs"][0]["targets"] for name, job in JOBS.items()}
    assert found["producer"] == [f"producer:{environment('producer')['PRODUCER_METRICS_PORT']}"]
    assert found["spark"] == [f"jobs:{environment('jobs')['SPARK_METRICS_PORT']}"]
    assert found["api"] == [f"api:{environment('api')['API_PORT']}"]
    assert all(environment(name)["METRICS_HOST"] == "0.0.0.0" for name in ("producer", "jobs"))
    hosts = {target.split(":")[0] for targets in found.values() for target in targets}
    assert hosts <= {*SERVICES, "127.0.0.1"}


def test_the_key_of_the_api_is_where_it_is_mounted() -> None:
    assert JOBS["api"]["authorization"] == {"credentials_file": "/run/secrets/api_key"}
    assert SERVICES["prometheus"]["secrets"] == ["api_key"]


def test_the_alerts_are_loaded_and_ask_for_jobs_that_are_there() -> None:
    assert CONFIG["rule_files"] == ["alerts.yml"]
    asked = re.findall(r'\bjob="([^"]+)"', (PROMETHEUS / "alerts.yml").read_text(encoding="utf-8"))
    assert asked and set(asked) <= set(JOBS)


def test_grafana_finds_the_dashboards() -> None:
    folder = ROOT / "docker/grafana/provisioning/dashboards/firehose.yml"
    [provider] = yaml.safe_load(folder.read_text(encoding="utf-8"))["providers"]
    path = provider["options"]["path"]
    mounts = [volume.split(":") for volume in SERVICES["grafana"]["volumes"]]
    [source] = [each[0] for each in mounts if each[1] == path]
    assert list((ROOT / source).glob("*.json"))
