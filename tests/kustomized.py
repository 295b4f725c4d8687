"""The manifests as `kubectl kustomize` would give them, for the subset that ours use.

Resources, namespace, images by name, and patches that merge maps; anything else is refused, so
that a test never judges something else than what a cluster gets.
"""

from pathlib import Path
from typing import Any

import yaml

from tests.conftest import TESTS

FOLDER = TESTS.parent / "deploy" / "kubernetes"
Object = dict[str, Any]
_KNOWN = {"apiVersion", "kind", "namespace", "resources", "images", "patches"}


def documents(path: Path) -> list[Object]:
    """Every YAML document of a file."""
    return [each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each]


def base() -> list[Object]:
    """What `kubectl apply -k deploy/kubernetes/base` would send."""
    folder = FOLDER / "base"
    plan = _plan(folder)
    found = [each for name in plan["resources"] for each in documents(folder / name)]
    for each in found:
        if each["kind"] != "Namespace":
            each["metadata"]["namespace"] = plan["namespace"]
        _rename_images(each, {image["name"]: image for image in plan["images"]})
    return found


def with_executors() -> list[Object]:
    """The same with the component `executors`."""
    folder, found = FOLDER / "executors", base()
    plan = _plan(folder)
    found += [each for name in plan["resources"] for each in documents(folder / name)]
    for patch in plan["patches"]:
        [change] = documents(folder / patch["path"])
        [target] = [each for each in found if _key(each) == _key(change)]
        _merge(target, change)
    return found


def _plan(folder: Path) -> Object:
    [plan] = documents(folder / "kustomization.yaml")
    assert set(plan) <= _KNOWN, f"tests/kustomized.py does not know {set(plan) - _KNOWN}"
    return plan


def _key(each: Object) -> tuple[str, str]:
    return each["kind"], each["metadata"]["name"]


def _merge(target: Object, change: Object) -> None:
    for name, value in change.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            _merge(target[name], value)
        else:
            assert not isinstance(value, list), "lists merge by rules that are not known here"
            target[name] = value


def _rename_images(each: Object, images: dict[str, Object]) -> None:
    pod = each.get("spec", {}).get("template", {}).get("spec", {})
    for container in pod.get("containers", []):
        image = images[container["image"]]
        container["image"] = f"{image['newName']}:{image['newTag']}"
