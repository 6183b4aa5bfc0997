"""Rules for what makes pods: security, probes, stopping, spreading, and what they refer to."""

from __future__ import annotations

from collections.abc import Iterator

from declared_services import declared
from k8s_objects import (
    Object,
    containers,
    find,
    labels_of,
    name_of,
    of_kind,
    pod_of,
    replicas_min,
    selected,
    workloads,
)

# What an overlay refers to and a user makes: kind and name, and the keys that it must have.
# Each is named in the overlay's or component's own comment, with the command.
USERS_OWN: dict[tuple[str, str], frozenset[str]] = {
    ("Secret", "tokens"): frozenset({"source", "api"}),
    ("Secret", "api-node"): frozenset({"url"}),
    ("Secret", "api-tls"): frozenset({"tls.crt", "tls.key"}),
    ("ConfigMap", "front-proxy-ca"): frozenset({"ca.crt"}),
    ("ConfigMap", "ingest-settings"): frozenset({"PW_INGEST_ENDPOINT"}),
}
# Two at once would do the work twice, or refuse each other.
ONE_AT_A_TIME = frozenset(one.dashed for one in declared() if one.scales == "one")
SPREAD = frozenset(one.dashed for one in declared() if one.scales == "many")
# Between the end of a service's own stop and the kernel's: unsubscribe, drain, exit.
DRAIN_S = 10
SHUTDOWN = "PW_SHUTDOWN_TIMEOUT_S"
# A process that is short of CPU answers late, and is needed most just then.
PROBE_TIMEOUT_MIN_S = 5
LIVENESS_PATIENCE_MIN_S = 60
# The largest resident size that was measured, in MiB: what a pod asks for must hold it.
MEASURED_PEAK_MIB = {"nats": 258, **{one.dashed: one.peak_mib for one in declared()}}
MIB_OF = {"Ki": 1 / 1024, "Mi": 1, "Gi": 1024}


def pod_problems(objects: list[Object]) -> Iterator[str]:
    """Every rule of this module, for every workload."""
    shared = find(objects, "ConfigMap", "pw-config")
    shutdown_s = float(shared["data"].get(SHUTDOWN, "0")) if shared else 0.0
    for one in workloads(objects):
        found = [
            *_identity(one, objects),
            *_security(one),
            *_probes(one),
            *_stopping(one, shutdown_s),
            *_mounts(one),
            *_references(one, objects),
            *_resources(one),
            *_spreading(one, objects),
        ]
        yield from (f"{name_of(one)}: {text}" for text in found)
    for one in of_kind(objects, "Job", "CronJob"):
        yield f"{name_of(one)}: a Job's template is immutable: a new image would block every apply"


def _identity(one: Object, objects: list[Object]) -> Iterator[str]:
    selector = one["spec"].get("selector", {}).get("matchLabels", {})
    if not selector.items() <= labels_of(one).items():
        yield "the selector does not match its own pods"
    pod = pod_of(one)
    account = find(objects, "ServiceAccount", pod["serviceAccountName"])
    if account is None:
        yield f"no ServiceAccount {pod['serviceAccountName']}"
    elif account.get("automountServiceAccountToken", True):
        yield f"ServiceAccount {pod['serviceAccountName']} hands its token to pods"
    # No service of ours asks the API server for anything.
    if pod.get("automountServiceAccountToken", True):
        yield "mounts a token of the API server, which it does not need"
    if one["metadata"]["name"] in ONE_AT_A_TIME:
        if one["spec"].get("replicas") != 1:
            yield "must say replicas: 1"
        # A StatefulSet makes a pod again only when the one before it is gone.
        replaced = one["kind"] == "StatefulSet"
        if not replaced and one["spec"].get("strategy", {}).get("type") != "Recreate":
            yield "must be replaced by Recreate: two at once would do the work twice"


def _security(one: Object) -> Iterator[str]:
    """The pod security level `restricted`, and a root file system that nobody writes."""
    pod = pod_of(one)
    security = pod.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or not security.get("runAsUser", 0) > 0:
        yield "runs as root"
    if security.get("seccompProfile", {}).get("type") not in {"RuntimeDefault", "Localhost"}:
        yield "has no seccomp profile"
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            yield f"shares the node's own: {field}"
    for volume in pod.get("volumes", ()):
        if not set(volume) & {"configMap", "secret", "emptyDir", "persistentVolumeClaim"}:
            yield f"volume {volume['name']} is of no kind that `restricted` allows us"
    for container in containers(one):
        own = container.get("securityContext", {})
        if own.get("allowPrivilegeEscalation", True) or own.get("privileged"):
            yield "the container may gain privileges"
        capabilities = own.get("capabilities", {})
        if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
            yield "the container keeps capabilities"
        if own.get("readOnlyRootFilesystem") is not True:
            yield "the root file system can be written"
        if ":" not in container["image"] or container["image"].endswith(":latest"):
            yield f"image {container['image']} has no fixed tag in kustomization.yaml"


def _probes(one: Object) -> Iterator[str]:
    for container in containers(one):
        ports = {port["name"] for port in container.get("ports", ())}
        probes = {key: container[key]["httpGet"] for key in container if key.endswith("Probe")}
        if len(probes) != 3:
            yield "needs a startup, a readiness and a liveness probe"
        for key, probe in probes.items():
            if probe["port"] not in ports:
                yield f"{key} asks port {probe['port']}, which is not open"
            timeout_s = container[key].get("timeoutSeconds", 1)
            if timeout_s < PROBE_TIMEOUT_MIN_S:
                yield f"{key} gives up after {timeout_s} s: a process short of CPU is alive"
        alive = container.get("livenessProbe", {})
        patience_s = alive.get("periodSeconds", 10) * alive.get("failureThreshold", 3)
        if patience_s < LIVENESS_PATIENCE_MIN_S:
            yield f"livenessProbe kills after {patience_s} s of silence: overload lasts longer"
        # A broker that is away must not restart everything that waits for it.
        live = probes.get("livenessProbe", {}).get("path", "/livez")
        if live not in {"/livez", "/healthz?js-enabled-only=true"}:
            yield f"livenessProbe asks {live}, which depends on more than the process"


def _stopping(one: Object, shutdown_s: float) -> Iterator[str]:
    grace_s = pod_of(one).get("terminationGracePeriodSeconds", 30)
    needed_s = shutdown_s + DRAIN_S
    for container in containers(one):
        command = container.get("lifecycle", {}).get("preStop", {}).get("exec", {})
        words = command.get("command", ["", "0"])
        if words[0] == "sleep":
            needed_s += float(words[1])
        own = [v["value"] for v in container.get("env", ()) if v["name"] == SHUTDOWN]
        needed_s += float(own[0]) - shutdown_s if own else 0
    if grace_s < needed_s:
        yield f"terminationGracePeriodSeconds {grace_s} is less than stop and drain, {needed_s:g}"


def _mounts(one: Object) -> Iterator[str]:
    """Every mount has its volume, and every volume is mounted."""
    volumes = {volume["name"] for volume in pod_of(one).get("volumes", ())}
    volumes |= {claim["metadata"]["name"] for claim in one["spec"].get("volumeClaimTemplates", ())}
    mounted = {m["name"] for c in containers(one) for m in c.get("volumeMounts", ())}
    for name in sorted(mounted - volumes):
        yield f"mounts {name}, which is no volume"
    for name in sorted(volumes - mounted):
        yield f"volume {name} is mounted nowhere"


def _references(one: Object, objects: list[Object]) -> Iterator[str]:
    """ConfigMaps and Secrets are there with the keys that are asked for, or the user's to make."""
    for volume in pod_of(one).get("volumes", ()):
        if config := volume.get("configMap"):
            yield from _reference(objects, "ConfigMap", config["name"], config)
        if secret := volume.get("secret"):
            yield from _reference(objects, "Secret", secret["secretName"], secret)
    for container in containers(one):
        for source in container.get("envFrom", ()):
            if "secretRef" in source:
                yield "takes a Secret into its environment: mount it as a file"
            elif not source["configMapRef"].get("optional"):
                yield from _reference(objects, "ConfigMap", source["configMapRef"]["name"], {})
        for variable in container.get("env", ()):
            value_from = variable.get("valueFrom", {})
            if "secretKeyRef" in value_from:
                yield f"{variable['name']} is a Secret's value: mount it as a file"
            if key := value_from.get("configMapKeyRef"):
                items = {"items": [{"key": key["key"]}]}
                yield from _reference(objects, "ConfigMap", key["name"], items)


def _reference(objects: list[Object], kind: str, name: str, wanted: Object) -> Iterator[str]:
    keys = USERS_OWN.get((kind, name))
    if (there := find(objects, kind, name)) is not None:
        keys = frozenset(there.get("data", {}))
    for certificate in of_kind(objects, "Certificate"):
        if kind == "Secret" and certificate["spec"]["secretName"] == name:
            keys = frozenset({"tls.crt", "tls.key", "ca.crt"})
    if keys is None:
        yield f"no {kind} {name}; one that the user makes stands in USERS_OWN"
        return
    for item in wanted.get("items", ()):
        if item["key"] not in keys:
            yield f"{kind} {name} has no key {item['key']!r}, only {sorted(keys)}"


def _resources(one: Object) -> Iterator[str]:
    for container in containers(one):
        resources = container.get("resources", {})
        if not {"cpu", "memory"} <= set(resources.get("requests", {})):
            yield "requests no cpu or no memory"
        if "memory" not in resources.get("limits", {}):
            yield "has no limit of memory"
        asked = resources.get("requests", {}).get("memory", "0Mi")
        measured = MEASURED_PEAK_MIB.get(container["name"], 0)
        if float(asked[:-2]) * MIB_OF[asked[-2:]] < measured:
            yield f"requests {asked} of memory, less than the {measured}Mi that were measured"
        if "cpu" in resources.get("limits", {}):
            yield "has a limit of cpu, which throttles what the autoscaler should answer"


def _spreading(one: Object, objects: list[Object]) -> Iterator[str]:
    if replicas_min(one, objects) < 2 and one["metadata"]["name"] not in SPREAD:
        return
    constraints = pod_of(one).get("topologySpreadConstraints", ())
    keys = {constraint["topologyKey"] for constraint in constraints}
    if keys != {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}:
        yield f"is spread over {sorted(keys)}, not over nodes and zones"
    for constraint in constraints:
        if one not in selected(constraint["labelSelector"], objects):
            yield "is spread by labels that its own pods do not have"
        if constraint["whenUnsatisfiable"] != "ScheduleAnyway":
            yield "would rather not run than run beside another: ScheduleAnyway"
        by_rollout = constraint.get("matchLabelKeys") == ["pod-template-hash"]
        if one["kind"] == "Deployment" and not by_rollout:
            yield "counts the pods of an old rollout: matchLabelKeys: [pod-template-hash]"
