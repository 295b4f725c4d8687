"""deploy/kubernetes: valid by Kubernetes' schemas, equal to Compose, with few rights."""

import re
from typing import Any

import kubernetes_validate
import pytest
import yaml

from lakehouse.settings import Settings
from tests import kustomized
from tests.compose_file import SERVICES
from tests.kustomized import FOLDER, Object
from tests.unit.test_compose import NAMES, SECRETS

BASE = kustomized.base()
ALL = kustomized.with_executors()
WORKLOADS = [each for each in BASE if each["kind"] in ("StatefulSet", "Deployment")]
VERSIONS = ("1.30", "1.35")
each_workload = pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: w["metadata"]["name"])


def name_of(each: Object) -> str:
    return f"{each['kind']}-{each['metadata']['name']}"


def pod(workload: Object) -> Object:
    found: Object = workload["spec"]["template"]["spec"]
    return found


def container(workload: Object) -> Object:
    [found] = pod(workload)["containers"]
    return dict(found)


def data(objects: list[Object], name: str) -> dict[str, str]:
    [found] = [
        o["data"] for o in objects if o["kind"] == "ConfigMap" and o["metadata"]["name"] == name
    ]
    return dict(found)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("each", ALL, ids=name_of)
def test_the_schema_takes_it(each: Object, version: str) -> None:
    kubernetes_validate.validate(each, version, strict=True)


def test_the_schema_refuses_what_is_wrong() -> None:
    wrong = {**WORKLOADS[0], "spec": {**WORKLOADS[0]["spec"], "replica": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_every_file_is_part_of_it() -> None:
    for folder in ("base", "executors"):
        [plan] = kustomized.documents(FOLDER / folder / "kustomization.yaml")
        named = {*plan["resources"], *(patch["path"] for patch in plan.get("patches", []))}
        there = {path.name for path in (FOLDER / folder).iterdir()}
        assert there == named | {"kustomization.yaml"}


@each_workload
def test_a_part_runs_the_command_of_compose(workload: Object) -> None:
    name = workload["metadata"]["name"]
    assert container(workload)["command"] == SERVICES[name]["command"]
    kind = "spark" if "spark" in SERVICES[name]["image"] else "python"
    assert f"/firehose-{kind}:" in container(workload)["image"]


@each_workload
def test_a_part_has_few_rights(workload: Object) -> None:
    assert container(workload)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    wanted = {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert wanted.items() <= pod(workload)["securityContext"].items()
    assert pod(workload)["automountServiceAccountToken"] is False
    assert pod(workload)["enableServiceLinks"] is False


@each_workload
def test_a_part_is_probed_and_limited(workload: Object) -> None:
    found = container(workload)
    assert {"cpu", "memory"} <= set(found["resources"]["requests"])
    assert "memory" in found["resources"]["limits"]
    assert any(name.endswith("Probe") for name in found)
    image = container(workload)["image"]
    assert re.search(r":\d+\.\d+\.\d+$", image), image


def test_the_settings_are_settings_and_no_secrets() -> None:
    for objects in (BASE, ALL):
        found = set(data(objects, "settings")) - {"HOME"}
        assert found <= NAMES - SECRETS
    values = {name.lower(): value for name, value in data(BASE, "settings").items() if value}
    known = {name: value for name, value in values.items() if name in Settings.model_fields}
    Settings.model_validate(known)


@each_workload
def test_a_secret_goes_only_to_who_needs_it(workload: Object) -> None:
    entries: list[dict[str, Any]] = container(workload)["env"]
    found = {entry["name"] for entry in entries if "valueFrom" in entry}
    assert found <= SECRETS
    assert all(
        e["valueFrom"]["secretKeyRef"]["key"] == e["name"] for e in entries if "valueFrom" in e
    )
    assert found <= set(SERVICES[workload["metadata"]["name"]]["environment"])
    assert not [each for each in ALL if each["kind"] == "Secret"], "secrets are no files"


def test_only_the_driver_may_ask_kubernetes_and_only_with_executors() -> None:
    assert not [each for each in BASE if "rbac" in each["apiVersion"]]
    [role] = [each for each in ALL if each["kind"] == "Role"]
    assert not [each for each in ALL if each["kind"] in ("ClusterRole", "ClusterRoleBinding")]
    assert all("*" not in [*rule["verbs"], *rule["resources"]] for rule in role["rules"])
    assert "secrets" not in {name for rule in role["rules"] for name in rule["resources"]}
    tokens = {
        w["metadata"]["name"]
        for w in ALL
        if w["kind"] in ("StatefulSet", "Deployment") and pod(w)["automountServiceAccountToken"]
    }
    assert tokens == {"jobs"}


def test_executors_are_of_the_same_image_and_know_the_drivers_ports() -> None:
    conf = dict(
        line.split(" ", 1) for line in data(ALL, "spark-conf")["spark-defaults.conf"].splitlines()
    )
    [jobs] = [each for each in WORKLOADS if each["metadata"]["name"] == "jobs"]
    assert conf["spark.kubernetes.container.image"] == container(jobs)["image"]
    ports = {port["name"]: str(port["containerPort"]) for port in container(jobs)["ports"]}
    assert conf["spark.driver.port"] == ports["driver"]
    assert conf["spark.driver.blockManager.port"] == ports["blocks"]
    template = yaml.safe_load(data(ALL, "spark-conf")["executor.yaml"])
    kubernetes_validate.validate(
        {**template, "metadata": {"name": "x", **template["metadata"]}}, VERSIONS[0]
    )
    assert data(ALL, "settings")["SPARK_MASTER"].startswith("k8s://")


def test_nothing_comes_in_but_what_is_named() -> None:
    policies = {
        each["metadata"]["name"]: each["spec"] for each in BASE if each["kind"] == "NetworkPolicy"
    }
    everything = policies.pop("nothing-comes-in")
    assert everything == {"podSelector": {}, "policyTypes": ["Ingress"]}
    assert all(rule["from"] for spec in policies.values() for rule in spec["ingress"])
