"""Numbers and texts that stand in more than one place of k8s/, deploy/ and the code are equal."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
import yaml
from declared_services import declared
from k8s_objects import containers, find, workloads

from pw_common.wire.limits import PARSER_REPLICAS_FALLBACK, PARSER_REPLICAS_MAX
from support.broken import rendered
from support.composed import ROOT, compose

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")

BYTES = {"G": 10**9, "Gi": 2**30}


def size(text: str) -> int:
    number = text.rstrip("Gi")
    return int(number) * BYTES[text.removeprefix(number)]


def chart() -> dict[str, Any]:
    text = (ROOT / "k8s/overlays/prod/nats-chart-values.yaml").read_text()
    assert "Not rendered" in text
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def broker(overlay: str) -> dict[str, Any]:
    found = find(rendered(overlay), "StatefulSet", "nats")
    assert found is not None
    return found


def test_the_operators_rules_are_those_of_deploy() -> None:
    ours = yaml.safe_load((ROOT / "deploy/alerts.yaml").read_text())
    theirs = find(rendered("examples/complete"), "PrometheusRule", "pocketwatcher")
    assert theirs is not None
    assert theirs["spec"] == ours


def test_keda_scales_at_the_hpas_pace_and_between_the_same_numbers() -> None:
    hpa = find(rendered("overlays/prod"), "HorizontalPodAutoscaler", "parser")
    scaled = find(rendered("overlays/keda"), "ScaledObject", "parser")
    assert hpa is not None
    assert scaled is not None
    theirs = scaled["spec"]
    assert theirs["minReplicaCount"] == hpa["spec"]["minReplicas"]
    config = theirs["advanced"]["horizontalPodAutoscalerConfig"]
    assert config["behavior"] == hpa["spec"]["behavior"]
    assert theirs["minReplicaCount"] <= PARSER_REPLICAS_FALLBACK <= PARSER_REPLICAS_MAX


@pytest.mark.parametrize("overlay", ["base", "overlays/prod"])
def test_the_brokers_volume_holds_what_the_broker_may_store(overlay: str) -> None:
    store = size(compose()["services"]["nats"]["environment"]["NATS_FILE_STORE"])
    [claim] = broker(overlay)["spec"]["volumeClaimTemplates"]
    assert size(claim["spec"]["resources"]["requests"]["storage"]) > store
    # Nobody sets another limit than the image's.
    environ = {v["name"] for c in containers(broker(overlay)) for v in c.get("env", ())}
    assert "NATS_FILE_STORE" not in environ


def test_the_charts_values_are_the_own_clusters() -> None:
    values, own = chart(), broker("overlays/prod")
    assert values["config"]["cluster"]["replicas"] == own["spec"]["replicas"] == 3
    stream = values["config"]["jetstream"]
    assert stream["merge"] == {"sync_interval": "always"}
    assert size(stream["fileStore"]["pvc"]["size"]) > size(stream["fileStore"]["maxSize"])
    tag = compose()["services"]["nats"]["build"]["args"]["NATS_IMAGE"].split(":")[1]
    assert values["container"]["image"]["tag"] == tag
    spread = own["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert set(values["podTemplate"]["topologySpreadConstraints"]) == {
        one["topologyKey"] for one in spread
    }
    budget = find(rendered("overlays/prod"), "PodDisruptionBudget", "nats")
    assert budget is not None
    theirs = values["podDisruptionBudget"]["merge"]["spec"]["maxUnavailable"]
    assert theirs == budget["spec"]["maxUnavailable"] == 1


def test_a_node_has_longer_to_go_than_it_takes_to_hand_over() -> None:
    config = (ROOT / "deploy/nats-cluster.conf").read_text()
    hand_over_s = int(config.split("lame_duck_duration: ")[1].split("s\n")[0])
    pod = broker("overlays/prod")["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] >= 2 * hand_over_s
    [nats] = pod["containers"]
    assert nats["lifecycle"]["preStop"]["exec"]["command"] == ["nats-server", "--signal", "ldm=1"]


@pytest.mark.parametrize("overlay", ["overlays/prod", "overlays/keda"])
def test_mainnet_plays_no_demo_and_keeps_its_tokens_in_files(overlay: str) -> None:
    objects = rendered(overlay)
    assert find(objects, "Deployment", "replay") is None
    ingest, api = (find(objects, "Deployment", name) for name in ("ingest", "api"))
    assert ingest is not None
    assert api is not None
    for one, key in ((ingest, "source"), (api, "api")):
        volume = one["spec"]["template"]["spec"]["volumes"]
        [secret] = [v["secret"] for v in volume if "secret" in v]
        # Each sees its own token, and not the other's.
        assert secret["items"] == [{"key": key, "path": key}]


def test_local_is_a_complete_system_that_asks_the_user_for_nothing() -> None:
    objects = rendered("overlays/local")
    names = {one["metadata"]["name"] for one in workloads(objects)}
    in_base = {one.dashed for one in declared() if one.manifest.startswith("k8s/base/")}
    assert names == {"nats"} | in_base
    text = yaml.safe_dump_all(objects)
    assert "secretName" not in text
    # Each API makes a token of its own, so there is one API.
    api, scaler = (find(objects, kind, "api") for kind in ("Deployment", "HorizontalPodAutoscaler"))
    assert api is not None
    assert scaler is not None
    assert {"name": "PW_API_TOKEN_MAKE", "value": "true"} in containers(api)[0]["env"]
    assert scaler["spec"]["maxReplicas"] == 1
    for one in workloads(objects):
        for source in containers(one)[0].get("envFrom", ()):
            config = source["configMapRef"]
            assert config.get("optional") or find(objects, "ConfigMap", config["name"])
