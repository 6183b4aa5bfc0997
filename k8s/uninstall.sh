#!/bin/sh
# Removes Pocketwatcher from a cluster, in an order that ends.
#
#   k8s/uninstall.sh [--dry-run] [--data] [OVERLAY]
#
# OVERLAY is what was applied (default: k8s/site). Streams, tokens and the namespace stay, unless
# --data says that they go as well. --dry-run prints the commands and changes nothing.
#
# The APIService goes first. While it is there and its pods are not, discovery in the whole
# cluster is incomplete, and a namespace that is being deleted waits for discovery: for ever.
set -eu

namespace=${PW_NAMESPACE:-pocketwatcher}
api=v1beta1.external.metrics.k8s.io
dry_run='' data='' overlay=k8s/site

usage() {
    echo "usage: $0 [--dry-run] [--data] [OVERLAY]" >&2
    exit 64
}

named=''
for word; do
    case $word in
    --dry-run) dry_run=1 ;;
    --data) data=1 ;;
    -*) usage ;;
    *)
        [ -z "$named" ] || usage
        named=1 overlay=$word
        ;;
    esac
done
[ -f "$overlay/kustomization.yaml" ] || {
    echo "$0: no kustomization.yaml in $overlay: name the overlay that was applied" >&2
    exit 66
}

run() {
    echo "+ $*"
    [ -n "$dry_run" ] || "$@"
}

# Reads only. A cluster has one provider of external metrics, and it may be somebody else's.
serves=$(kubectl get apiservice "$api" --ignore-not-found \
    -o 'jsonpath={.spec.service.namespace}/{.spec.service.name}')
case $serves in
"$namespace/lag-adapter") run kubectl delete apiservice "$api" --ignore-not-found --wait=true ;;
'') ;;
*)
    echo "# APIService $api is of $serves, and stays"
    if kubectl kustomize "$overlay" | grep -q '^kind: APIService'; then
        echo "$0: $overlay would delete it: name an overlay without components/lag-adapter" >&2
        exit 65
    fi
    ;;
esac

# Whatever an earlier run has removed is passed over. The broker's volumes outlive it.
run kubectl delete -k "$overlay" --ignore-not-found --wait=true

if [ -n "$data" ]; then
    run kubectl -n "$namespace" delete persistentvolumeclaim -l app.kubernetes.io/name=nats --ignore-not-found
    run kubectl delete namespace "$namespace" --ignore-not-found --wait=true
else
    echo "# kept: namespace $namespace, its volumes, Secrets and ConfigMaps; --data removes them too"
fi
