#!/bin/sh
# Build the images and run tests/docker against the engine that answers.
set -eu
cd "$(dirname "$0")/.."
PY=${PY:-.venv/bin/python}

if ! docker info >/dev/null 2>&1; then
    echo "no Docker engine answers: start one, or look at tests/docker" >&2
    exit 69
fi
# The legacy builder everywhere: BuildKit needs a plugin that not every engine has.
export DOCKER_BUILDKIT="${DOCKER_BUILDKIT:-0}" COMPOSE_DOCKER_CLI_BUILD="${COMPOSE_DOCKER_CLI_BUILD:-0}"
if docker compose version >/dev/null 2>&1; then compose="docker compose"; else compose=docker-compose; fi
$compose build --quiet 2>&1 | tail -n 5
docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}}' | grep '^pocketwatcher-' | sort
PW_DOCKER=1 exec "$PY" -m pytest tests/docker "$@"
