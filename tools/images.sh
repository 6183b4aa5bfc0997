#!/bin/sh
# Build every image of compose.yaml, and say how large each is.
set -eu
cd "$(dirname "$0")/.."

if ! docker info >/dev/null 2>&1; then
    echo "no Docker engine answers: start one (dockerd, or your desktop's), then try again" >&2
    exit 69
fi
# Built here once, the pages need no node in the image's own build.
tools/dashboard.sh
# The legacy builder everywhere, unless told otherwise: BuildKit needs a plugin that not every
# engine has.
export DOCKER_BUILDKIT="${DOCKER_BUILDKIT:-0}" COMPOSE_DOCKER_CLI_BUILD="${COMPOSE_DOCKER_CLI_BUILD:-0}"
if docker compose version >/dev/null 2>&1; then compose="docker compose"; else compose=docker-compose; fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The profile adds what only Kubernetes runs.
if ! $compose --profile images build "$@" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    exit 1
fi
docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}}' | grep '^pocketwatcher-' | sort
