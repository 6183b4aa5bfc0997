#!/usr/bin/env bash
# Run a command with a Docker engine: the one that answers, or one made for it and ended after it.
#
#     tools/engine.sh make e2e-docker
#
# As root on Debian the engine is installed from Debian's packages. Exit code 69: there is none and
# none can be had; otherwise the command's.
set -euo pipefail

engine=""
finish() {
    if [ -n "$engine" ]; then
        kill "$engine" 2>/dev/null || true
        wait "$engine" 2>/dev/null || true
    fi
}
trap finish EXIT

answers() { docker info >/dev/null 2>&1; }

unavailable() {
    echo "no Docker engine: $1" >&2
    exit 69
}

start() {
    [ "$(id -u)" = 0 ] || unavailable "none answers, and only root can start one"
    if ! command -v dockerd >/dev/null || ! { command -v docker-compose || docker compose version; } >/dev/null 2>&1; then
        command -v apt-get >/dev/null || unavailable "none answers, and there is no apt-get to install one"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends docker.io docker-compose debootstrap iptables; } >/dev/null 2>&1 ||
            unavailable "its packages cannot be installed"
    fi
    local log
    log=$(mktemp)
    dockerd >"$log" 2>&1 &
    engine=$!
    for _ in $(seq 60); do
        answers && return
        kill -0 "$engine" 2>/dev/null || break
        sleep 1
    done
    tail -n 5 "$log" >&2
    unavailable "dockerd does not start on this machine"
}

answers || start
# Where no registry answers, a script of the machine's owner may make the base images.
if [ -x "${PW_BASE_IMAGES:-}" ] && ! { docker image inspect python:3.13-slim nats:2.15-alpine >/dev/null 2>&1 ||
    { timeout 60 docker pull -q python:3.13-slim && timeout 60 docker pull -q nats:2.15-alpine; } >/dev/null 2>&1; }; then
    "$PW_BASE_IMAGES" >/dev/null || unavailable "the base images cannot be had"
fi
"$@"
