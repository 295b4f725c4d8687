"""The workflows' JSON: importable as it is, tidy, patient with servers, without a secret."""

import itertools
import re
from collections import Counter
from typing import Any

import pytest

from lakehouse.settings import Settings
from lakehouse.stack import n8n
from lakehouse.stack.n8n_environment import FOR_WORKFLOWS
from tests.workflows import Node, Workflow, credentials, files, kind, texts, variables, workflows

WORKFLOWS, CREDENTIALS = workflows(), credentials()
ERROR_WORKFLOW = "error-report"
# What platform.md's n8n 2.41.1 has run.
VERSIONS = {
    "webhook": 2.1, "respondToWebhook": 1.5, "httpRequest": 4.4, "if": 2.3, "code": 2,
    "telegram": 1.2, "scheduleTrigger": 1.3, "manualTrigger": 1, "errorTrigger": 1,
    "stopAndError": 1, "stickyNote": 1,
}  # fmt: skip
OUTGOING = ("httpRequest", "telegram")
# Pixels of a node with its name below, on the editor's canvas.
NODE_SIZE = (200, 150)

each_workflow = pytest.mark.parametrize("flow", WORKFLOWS, ids=lambda flow: str(flow.json["id"]))


def each_node(*kinds: str) -> pytest.MarkDecorator:
    found = [(flow, node) for flow in WORKFLOWS for node in flow.of_kind(*kinds)]
    names = [f"{flow.json['id']}: {node['name']}" for flow, node in found]
    return pytest.mark.parametrize("node", [node for _, node in found], ids=names)


def test_they_are_there() -> None:
    names = {flow.json["id"]: flow.json["name"] for flow in WORKFLOWS}
    assert names == {
        "market-pulse": "Market Pulse",
        "spike-explainer": "Spike Explainer",
        "error-report": "Error Report",
    }
    assert all(flow.path.stem == flow.json["id"] for flow in WORKFLOWS)


@each_workflow
def test_every_node_is_reached_from_a_trigger(flow: Workflow) -> None:
    assert flow.triggers
    assert {node["name"] for node in flow.nodes} == flow.reachable()


@each_workflow
def test_connections_are_between_nodes_that_are_there(flow: Workflow) -> None:
    names = [node["name"] for node in flow.nodes]
    assert len(set(names)) == len(names)
    for name in flow.json["connections"]:
        assert {name, *flow.after(name)} <= set(names)


@each_workflow
def test_every_node_that_an_expression_names_is_there(flow: Workflow) -> None:
    names = {node["name"] for node in flow.nodes}
    for node in flow.nodes:
        for text in texts(node["parameters"]):
            assert set(re.findall(r"\$\('([^']+)'\)", text)) <= names, node["name"]


@each_workflow
def test_every_output_of_a_question_and_of_an_error_leads_on(flow: Workflow) -> None:
    for node in flow.nodes:
        outputs = flow.json["connections"].get(node["name"], {}).get("main", [])
        if node.get("onError") == "continueErrorOutput":
            assert len(outputs) == 2 and outputs[1], node["name"]
        if kind(node) == "if":
            assert any(outputs), node["name"]


def test_ids_are_stable_and_used_once() -> None:
    found = [node["id"] for flow in WORKFLOWS for node in flow.json["nodes"]]
    assert [each for each, count in Counter(found).items() if count > 1] == []
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", each) for each in found)
    [hook] = [node for flow in WORKFLOWS for node in flow.of_kind("webhook")]
    # n8n knows a webhook by this id: another one would be another webhook.
    assert re.fullmatch(r"[0-9a-f-]{36}", hook["webhookId"])


@each_workflow
def test_only_node_types_and_versions_that_are_known_to_run(flow: Workflow) -> None:
    for node in flow.json["nodes"]:
        assert node["typeVersion"] == VERSIONS.get(kind(node)), node["name"]


@each_workflow
def test_it_comes_inactive_and_carries_no_data(flow: Workflow) -> None:
    assert flow.json["active"] is False
    assert flow.json["pinData"] == {}
    assert not {"staticData", "meta", "versionId", "shared"} & set(flow.json)


@each_workflow
def test_it_ends_and_its_errors_are_told(flow: Workflow) -> None:
    settings = flow.json["settings"]
    assert settings["executionOrder"] == "v1" and settings["timezone"] == "Etc/UTC"
    assert 0 < settings["executionTimeout"] <= 600
    told_by = None if flow.json["id"] == ERROR_WORKFLOW else ERROR_WORKFLOW
    assert settings.get("errorWorkflow") == told_by


@each_node(*OUTGOING)
def test_every_outgoing_call_is_tried_again_and_ends(node: Node) -> None:
    assert node["retryOnFail"] is True
    # n8n allows no more than five tries, and no longer pause than five seconds.
    assert 2 <= node["maxTries"] <= 5 and 1000 <= node["waitBetweenTries"] <= 5000
    if kind(node) == "httpRequest":
        assert node["parameters"]["options"]["timeout"]


def test_a_spike_is_answered_before_the_sender_loses_patience() -> None:
    from lakehouse.spike_post import TIMEOUT_SECONDS

    [flow] = [flow for flow in WORKFLOWS if flow.json["id"] == "spike-explainer"]
    assert flow.json["settings"]["executionTimeout"] < TIMEOUT_SECONDS


@pytest.mark.parametrize("told", [*(flow.json for flow in WORKFLOWS), *CREDENTIALS], ids=str)
def test_nothing_secret_and_no_address_is_inside(told: dict[str, Any]) -> None:
    for text in texts(told):
        assert not re.search(r"https?://", text), text
        assert not re.search(r"xox[abp]-|hooks\.slack|\b\d{6,}:[\w-]{30,}|\bsk-\w{16,}", text), text
        assert not re.search(r"[A-Za-z0-9+/_]{40,}", text), text


@each_node("httpRequest")
def test_every_address_comes_from_the_environment(node: Node) -> None:
    url = node["parameters"]["url"]
    assert re.match(r"=\{\{ \$env\.[A-Z_]+_URL \}\}(/|$)", url), url


def test_every_variable_is_a_setting_that_n8n_gets() -> None:
    used = variables([flow.json for flow in WORKFLOWS]) | variables(CREDENTIALS)
    assert used == set(FOR_WORKFLOWS), "n8n gets what is used, and nothing else"
    assert used <= {name.upper() for name in Settings.model_fields}


def test_credentials_hold_expressions_alone() -> None:
    for each in CREDENTIALS:
        hidden = {name: value for name, value in each["data"].items() if name != "name"}
        assert hidden and all(value.startswith("=") for value in hidden.values()), each["id"]
        assert variables(hidden)


def test_credentials_are_bound_by_id_and_name() -> None:
    known = {(each["type"], each["id"], each["name"]) for each in CREDENTIALS}
    used = {
        (kind_, bound["id"], bound["name"])
        for flow in WORKFLOWS
        for node in flow.nodes
        for kind_, bound in node.get("credentials", {}).items()
    }
    assert used == known
    assert {path.stem for path in files("credentials")} == {each["id"] for each in CREDENTIALS}


def test_the_credentials_of_a_request_are_those_that_it_asks_for() -> None:
    for flow in WORKFLOWS:
        for node in flow.of_kind("httpRequest"):
            wanted = node["parameters"].get("genericAuthType")
            assert list(node.get("credentials", {})) == ([wanted] if wanted else []), node["name"]


def test_the_webhook_is_where_the_command_waits_for_it() -> None:
    [hook] = [node for flow in WORKFLOWS for node in flow.of_kind("webhook")]
    assert f"/webhook/{hook['parameters']['path']}" == n8n.WEBHOOK_PATH
    assert hook["parameters"]["httpMethod"] == "POST"
    # The signature is over the bytes as they came.
    assert hook["parameters"]["options"]["rawBody"] is True


@each_workflow
def test_an_expression_ends_where_it_should(flow: Workflow) -> None:
    for text in texts([node["parameters"] for node in flow.nodes]):
        if text.startswith("=") and "{{" in text:
            # The first }} ends an expression, also one inside an object.
            inner = re.findall(r"\{\{(.*?)\}\}", text, flags=re.DOTALL)
            assert inner and all(_balanced(each) for each in inner), text


@each_workflow
def test_nodes_do_not_lie_on_each_other(flow: Workflow) -> None:
    for one, other in itertools.combinations(flow.nodes, 2):
        apart = [abs(a - b) for a, b in zip(one["position"], other["position"], strict=True)]
        assert apart[0] >= NODE_SIZE[0] or apart[1] >= NODE_SIZE[1], (one["name"], other["name"])


@each_workflow
def test_notes_lie_on_no_node_and_no_note(flow: Workflow) -> None:
    notes = [node for node in flow.json["nodes"] if kind(node) == "stickyNote"]
    assert notes, "a newcomer reads these first"
    for note in notes:
        for node in flow.json["nodes"]:
            if node is not note:
                assert not _overlap(_box(note), _box(node)), (note["name"], node["name"])


@each_workflow
def test_it_reads_from_left_to_right(flow: Workflow) -> None:
    place = {node["name"]: node["position"][0] for node in flow.nodes}
    for name in place:
        assert all(place[after] > place[name] for after in flow.after(name)), name


def _balanced(text: str) -> bool:
    plain = re.sub(r"'[^']*'|`[^`]*`", "", text)
    return all(plain.count(a) == plain.count(b) for a, b in ("()", "[]", "{}"))


def _box(node: Node) -> tuple[int, int, int, int]:
    width, height = (node["parameters"].get(name) for name in ("width", "height"))
    x, y = node["position"]
    return x, y, x + (width or NODE_SIZE[0]), y + (height or NODE_SIZE[1])


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    return not apart
