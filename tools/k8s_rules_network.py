"""Rules for who reaches whom: services, policies, the ingress, the adapter's API, monitors."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from declared_services import declared
from k8s_objects import Object, find, labels_of, name_of, of_kind, ports_of, selected, workloads
from k8s_rules_pods import USERS_OWN

from pw_api.core.access import read_hosts

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# A policy sees the port of the DNS pod itself, which on OpenShift is 5353.
DNS = frozenset({53, 5353})
NODE_LOCAL_DNS = "169.254.20.10/32"
# Cloud DNS of GKE; on every cloud also the server that gives out the node's credentials.
METADATA = "169.254.169.254/32"
RESOLVERS = frozenset({NODE_LOCAL_DNS, METADATA})
ASKS_NOBODY = frozenset(one.dashed for one in declared() if not one.has_broker)


def network_problems(objects: list[Object]) -> Iterator[str]:
    """Every rule of this module."""
    for one in of_kind(objects, "Service"):
        yield from (f"{name_of(one)}: {text}" for text in service_problems(one, objects))
    for one in of_kind(objects, "NetworkPolicy"):
        yield from (f"{name_of(one)}: {text}" for text in _policy(one, objects))
        yield from (f"{name_of(one)}: {text}" for text in _link_local(one))
    if of_kind(objects, "NetworkPolicy"):
        yield from _reachable(objects)
    for one in of_kind(objects, "Ingress"):
        yield from (f"{name_of(one)}: {text}" for text in _ingress(one, objects))
    for one in of_kind(objects, "PodMonitor"):
        yield from (f"{name_of(one)}: {text}" for text in _pod_monitor(one, objects))
    for one in of_kind(objects, "APIService"):
        yield from (f"{name_of(one)}: {text}" for text in _api_service(one, objects))
    for one in of_kind(objects, "ClusterRoleBinding"):
        yield from (f"{name_of(one)}: {text}" for text in _binding(one, objects))


def service_problems(service: Object, objects: list[Object]) -> Iterator[str]:
    """A service must select pods, and its ports must be theirs."""
    chosen = selected({"matchLabels": service["spec"]["selector"]}, objects)
    if not chosen:
        yield "selects no pods"
    for one in chosen:
        for port in service["spec"]["ports"]:
            if port["targetPort"] not in ports_of(one):
                yield f"port {port['targetPort']} is not one of {sorted(ports_of(one))}"


def _policy(one: Object, objects: list[Object]) -> Iterator[str]:
    """It selects somebody, and names only ports that somebody opens."""
    spec = one["spec"]
    pods = selected(spec["podSelector"], objects)
    if not pods:
        yield f"selects no pods: {spec['podSelector']}"
    kinds = {"Ingress": "ingress", "Egress": "egress"}
    for kind, field in kinds.items():
        if field in spec and kind not in spec["policyTypes"]:
            yield f"has {field} rules, and policyTypes without {kind}"
    for rule in spec.get("ingress", ()):
        yield from _ports_open(rule, pods, "ingress")
    for rule in spec.get("egress", ()):
        for peer in rule.get("to", ()):
            # Another namespace's pods are not ours to know.
            if "podSelector" in peer and "namespaceSelector" not in peer:
                there = selected(peer["podSelector"], objects)
                if not there:
                    yield f"egress to pods that are not there: {peer['podSelector']}"
                yield from _ports_open(rule, there, "egress")


def _ports_open(rule: Object, pods: list[Object], direction: str) -> Iterator[str]:
    opened = {number for pod in pods for number in ports_of(pod).values()}
    for port in rule.get("ports", ()):
        # Routes between nodes are allowed before there is more than one node.
        single = all(pod["spec"].get("replicas") == 1 for pod in pods) and port["port"] == 6222
        if port["port"] not in opened and not single:
            yield f"{direction} port {port['port']}, which none of its pods opens"


def _reachable(objects: list[Object]) -> Iterator[str]:
    """Everything is denied first; then names can be asked for, and the broker answers."""
    policies = [one["spec"] for one in of_kind(objects, "NetworkPolicy")]
    if not any(
        spec["podSelector"] == {}
        and set(spec["policyTypes"]) == {"Ingress", "Egress"}
        and not spec.get("ingress")
        and not spec.get("egress")
        for spec in policies
    ):
        yield "no NetworkPolicy denies everything first"
    broker = find(objects, "StatefulSet", "nats")
    for one in workloads(objects):
        mine = [spec for spec in policies if one in selected(spec["podSelector"], objects)]
        out = {
            port["port"]
            for spec in mine
            for rule in spec.get("egress", ())
            for port in rule.get("ports", ())
        }
        into = {
            port["port"]
            for spec in mine
            for rule in spec.get("ingress", ())
            for port in rule.get("ports", ())
        }
        # What has no broker, the demo's source, asks nobody for anything.
        if labels_of(one)["app.kubernetes.io/name"] not in ASKS_NOBODY:
            yield from (f"{name_of(one)}: {text}" for text in _names(out, mine))
        if one is not broker and "http" in ports_of(one) and ports_of(one)["http"] not in into:
            yield f"{name_of(one)}: no policy lets anybody scrape its port http"
        if one is not broker and (https := ports_of(one).get("https")) and https not in into:
            yield f"{name_of(one)}: no policy lets the API server ask port {https}"


def _names(out: set[int], mine: list[Object]) -> Iterator[str]:
    """Names can be asked for wherever clusters have them answered."""
    if not out >= DNS:
        yield f"no policy lets it ask for names: ports {sorted(DNS)}"
    blocks = {
        peer["ipBlock"]["cidr"]
        for spec in mine
        for rule in spec.get("egress", ())
        for peer in rule.get("to", ())
        if "ipBlock" in peer
    }
    if not blocks >= RESOLVERS:
        yield f"no policy lets it ask the resolvers of nodes and clouds: {sorted(RESOLVERS)}"


def _link_local(one: Object) -> Iterator[str]:
    """The metadata server is asked for names and for nothing else."""
    server = ipaddress.ip_network(METADATA)
    for rule in one["spec"].get("egress", ()):
        others = [port["port"] for port in rule.get("ports", ()) if port["port"] != 53]
        if rule.get("ports") and not others:
            continue
        if not rule.get("to"):
            yield f"lets ports {others} reach everybody: name the peers, without link-local ones"
        for peer in rule.get("to", ()):
            block = peer.get("ipBlock", {"cidr": "255.255.255.255/32"})
            reached = ipaddress.ip_network(block["cidr"])
            kept_out = [ipaddress.ip_network(net) for net in block.get("except", ())]
            if _covers(reached, server) and not any(_covers(net, server) for net in kept_out):
                yield f"lets ports {others} reach the metadata server by {block['cidr']}"


def _covers(net: Network, other: Network) -> bool:
    return net.version == other.version and other.network_address in net


def _ingress(one: Object, objects: list[Object]) -> Iterator[str]:
    for rule in one["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            service = find(objects, "Service", backend["name"])
            names = {port["name"] for port in service["spec"]["ports"]} if service else set()
            if backend["port"].get("name") not in names:
                yield f"backend {backend} is no port of a Service"
    hosts = {rule.get("host") for rule in one["spec"]["rules"]}
    secured = {host for tls in one["spec"].get("tls", ()) for host in tls["hosts"]}
    if hosts != secured:
        yield f"hosts {hosts} and those with TLS, {secured}, differ"
    answered = find(objects, "ConfigMap", "api-hosts")
    named = read_hosts(answered["data"]["PW_API_HOSTS"]) if answered else ()
    for host in sorted(hosts - {entry.name for entry in named if entry.https}):
        yield f"/api refuses the host {host}: ConfigMap api-hosts must name https://{host}"
    for tls in one["spec"].get("tls", ()):
        if ("Secret", tls["secretName"]) not in USERS_OWN:
            yield f"Secret {tls['secretName']} is not in USERS_OWN"


def _pod_monitor(one: Object, objects: list[Object]) -> Iterator[str]:
    pods = selected(one["spec"]["selector"], objects)
    with_http = [pod for pod in workloads(objects) if "http" in ports_of(pod)]
    if [name_of(pod) for pod in pods] != [name_of(pod) for pod in with_http]:
        yield "selects other pods than those with a port http"
    for endpoint in one["spec"]["podMetricsEndpoints"]:
        for pod in pods:
            if endpoint["port"] not in ports_of(pod):
                yield f"{name_of(pod)} has no port {endpoint['port']}"


def _api_service(one: Object, objects: list[Object]) -> Iterator[str]:
    spec = one["spec"]
    if one["metadata"]["name"] != f"{spec['version']}.{spec['group']}":
        yield "must be named version.group"
    ref = spec["service"]
    service = find(objects, "Service", ref["name"])
    if service is None or ref["port"] not in {p["port"] for p in service["spec"]["ports"]}:
        yield f"{ref} is no port of a Service"
        return
    if service["metadata"].get("namespace") != ref["namespace"]:
        yield f"Service {ref['name']} is in another namespace than {ref['namespace']}"
    inject = one["metadata"].get("annotations", {}).get("cert-manager.io/inject-ca-from")
    if inject is not None:
        certificate = find(objects, "Certificate", inject.partition("/")[2])
        host = f"{ref['name']}.{ref['namespace']}.svc"
        if certificate is None or host not in certificate["spec"]["dnsNames"]:
            yield f"Certificate {inject} is not there, or not for {host}"
        elif find(objects, "Issuer", certificate["spec"]["issuerRef"]["name"]) is None:
            yield f"Certificate {inject} has no Issuer"


def _binding(one: Object, objects: list[Object]) -> Iterator[str]:
    role = one["roleRef"]
    if find(objects, role["kind"], role["name"]) is None:
        yield f"there is no {role['kind']} {role['name']}"
    for subject in one["subjects"]:
        # The autoscaler's own account is the cluster's.
        if (subject["kind"], subject.get("namespace")) != ("ServiceAccount", "kube-system"):
            yield f"gives rights to {subject['kind']} {subject['name']}: no service needs any"
