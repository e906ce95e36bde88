# Shared by .ci/run and .ci/nightly: counted steps, a cache outside the tree, and the programs that steps need.
# Sourced, never run. A step is a function; it fails by a non-zero exit and skips itself with `skip "reason"`.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
OUT=$ROOT/.ci/out
CACHE=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/sheaf-ci
WORK=$(mktemp -d "${TMPDIR:-/tmp}/sheaf-ci.XXXXXX")
mkdir -p "$OUT" "$CACHE"
cd "$ROOT"

# Settings of the person at the keyboard must not change what is tested.
export GOTOOLCHAIN=local GOFLAGS="${GOFLAGS:-} -mod=readonly" PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1 NO_COLOR=1
unset SHEAF_DATA SHEAF_LISTEN SHEAF_PUBLIC_URL SHEAF_MASTER_KEY

# Relevance is also measured on public collections that are too large for this repository.
if [ -d ../shared/data ]; then
  SHEAF_TEST_DATA=$(cd ../shared/data && pwd)
  export SHEAF_TEST_DATA
else
  echo "no ../shared/data: the tests that need it skip, and say so"
fi

PASSED=0 FAILED=0 SKIPPED=0 FAILURES=()

trap 'rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM

# skip REASON ends the step without counting it. Only for what the machine forbids, never for what fails.
skip() { echo "skipped: $*"; exit 77; }

# step TITLE FUNCTION [ARG…] runs one step in a subshell of its own, and goes on after a failure.
step() {
  local title=$1 start=$SECONDS rc
  shift
  printf '\n== %s\n' "$title"
  set +e
  (
    set -euo pipefail
    trap - EXIT
    "$@"
  ) </dev/null
  rc=$?
  set -e
  case $rc in
    0) PASSED=$((PASSED + 1)); echo "-- passed: $title ($((SECONDS - start)) s)" ;;
    77) SKIPPED=$((SKIPPED + 1)); echo "-- skipped: $title ($((SECONDS - start)) s)" ;;
    *) FAILED=$((FAILED + 1)); FAILURES+=("$title"); echo "-- FAILED: $title (exit $rc, $((SECONDS - start)) s)" ;;
  esac
}

# closing prints what happened; its last line is the one that machines read.
closing() {
  local f
  printf '\n== Result after %d min %02d s\n' $((SECONDS / 60)) $((SECONDS % 60))
  for f in ${FAILURES[@]+"${FAILURES[@]}"}; do echo "failed: $f"; done
  [ "$SKIPPED" = 0 ] || echo "$SKIPPED skipped, each with its reason above"
  echo "$PASSED passed, $FAILED failed"
  [ "$FAILED" = 0 ]
}

# debian PACKAGE… installs what is missing, where this user may.
debian() {
  local need=() as=() p
  for p; do dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || need+=("$p"); done
  [ ${#need[@]} = 0 ] && return
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || { echo "missing packages: ${need[*]} (install them, or run as root)"; return 1; }
    as=(sudo -n)
  fi
  echo "installing ${need[*]}"
  ${as[@]+"${as[@]}"} apt-get update -qq
  ${as[@]+"${as[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${need[@]}" >"$WORK/apt.log" 2>&1 ||
    { tail -20 "$WORK/apt.log"; return 1; }
}

# tool NAME [ARG…] runs a program pinned in tools/go.mod, built once for each version of that file.
tool() {
  local bin
  bin=$CACHE/tools-$(cat tools/go.mod tools/go.sum <(go version) | sha256sum | cut -c1-16)
  if [ ! -e "$bin/.complete" ]; then
    mkdir -p "$bin"
    (cd tools && GOBIN=$bin go install tool)
    touch "$bin/.complete"
  fi
  "$bin/$1" "${@:2}"
}

# build_sheaf builds the binary that the later steps run, and names it in SHEAF_BIN.
build_sheaf() {
  CGO_ENABLED=0 go build -trimpath -o "$WORK/sheaf" ./cmd/sheaf
  "$WORK/sheaf" --help >/dev/null
}
export SHEAF_BIN=$WORK/sheaf

need_sheaf() { [ -x "$SHEAF_BIN" ] || build_sheaf; }

# npm_modules FOLDER installs what the lock file there pins, once for each version of that file, and names the place in MODULES.
npm_modules() {
  MODULES=$CACHE/node-$(cat "$1/package-lock.json" <(node --version) | sha256sum | cut -c1-16)
  if [ ! -e "$MODULES/.complete" ]; then
    rm -rf "$MODULES"
    mkdir -p "$MODULES"
    cp "$1/package.json" "$1/package-lock.json" "$MODULES/"
    # Nothing of these packages needs to run at install time, so nothing may.
    (cd "$MODULES" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
    touch "$MODULES/.complete"
  fi
}

# node_tests copies test/ out of the tree, so that node_modules never lies in it, and enters the copy.
node_tests() {
  npm_modules test
  rm -rf "$WORK/node"
  cp -R test "$WORK/node"
  ln -sfn "$MODULES/node_modules" "$WORK/node/node_modules"
  cd "$WORK/node"
}

# identity_story SECONDS FILE tells one story with a real identity provider, a browser and both published clients.
identity_story() {
  local own
  need_sheaf
  command -v chromium >/dev/null || debian chromium
  python_env
  npm_modules test/identity
  own=$MODULES
  node_tests
  ln -sfn "$own/node_modules" identity/node_modules
  SHEAF_PYTHON=$PYTHON timeout "$1" node --test --test-reporter=spec "identity/$2"
}

# need_java names a Java of 21 or later in JAVA_HOME.
need_java() {
  local home version
  for home in "${JAVA_HOME:-}" /usr/lib/jvm/*; do
    [ -x "$home/bin/java" ] || continue
    version=$("$home/bin/java" -version 2>&1 | sed -nE 's/.* version "([0-9]+).*/\1/p' | head -1)
    [ "${version:-0}" -ge 21 ] || continue
    export JAVA_HOME=$home
    return
  done
  skip "there is no Java of 21 or later here (JAVA_HOME), and Debian 12 has none to install"
}

# need_keycloak fetches the pinned Keycloak with Maven, once, and names its folder in KEYCLOAK_HOME.
need_keycloak() {
  local version=26.7.0 sum=e63bd0167199c0092b8a4d22cc137e6b7a70e0089070f6f7799b1be504b69a8a fetched=$WORK/keycloak
  export KEYCLOAK_HOME=$CACHE/keycloak-$version
  [ ! -e "$KEYCLOAK_HOME/.complete" ] || return 0
  command -v mvn >/dev/null || debian maven
  rm -rf "$KEYCLOAK_HOME"
  mkdir -p "$fetched"
  mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -Dartifact="org.keycloak:keycloak-quarkus-dist:$version:zip" -DoutputDirectory="$fetched"
  echo "$sum  $fetched/keycloak-quarkus-dist-$version.zip" | sha256sum -c -
  python3 -m zipfile -e "$fetched/keycloak-quarkus-dist-$version.zip" "$fetched"
  mv "$fetched/keycloak-$version" "$KEYCLOAK_HOME"
  rm -rf "$fetched"
  touch "$KEYCLOAK_HOME/.complete"
}

# python_env [FILE] makes a virtual environment from pinned requirements and names its interpreter in PYTHON.
python_env() {
  local env file=${1:-test/clients/requirements.txt}
  env=$CACHE/python-$(cat "$file" <(python3 --version) | sha256sum | cut -c1-16)
  if [ ! -e "$env/.complete" ]; then
    rm -rf "$env"
    python3 -m venv "$env" || { debian python3-venv && rm -rf "$env" && python3 -m venv "$env"; }
    "$env/bin/pip" install --quiet --no-deps -r "$file"
    "$env/bin/pip" check
    touch "$env/.complete"
  fi
  PYTHON=$env/bin/python
}

# openapi_walk SECONDS sends each API's served description through schemathesis for that long.
openapi_walk() {
  need_sheaf
  python_env test/openapi/requirements.txt
  timeout $((5 * $1 + 300)) "$PYTHON" test/openapi/walk.py "$1"
}

# fuzz_all SECONDS fuzzes every target of the module that long each. What it finds is also kept in .ci/out.
fuzz_all() {
  local seconds=$1 found=0 failed=0 file name log=$WORK/fuzz.log
  while IFS=: read -r file _ name; do
    found=$((found + 1))
    name=${name#func }
    name=${name%%(*}
    # Go's fuzzer sometimes reports its own deadline as a failure (golang/go#75804, mended in 1.27): once more, then it counts.
    for attempt in 1 2; do
      if go test -run='^$' -fuzz="^$name\$" -fuzztime="${seconds}s" -fuzzminimizetime=5s "./$(dirname "$file")" >"$log" 2>&1 </dev/null; then
        echo "ok   $(dirname "$file") $name: $(grep -oE 'execs: [0-9]+' "$log" | tail -1)"
        continue 2
      fi
      [ "$attempt" = 1 ] && grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input' "$log" || break
    done
    failed=1
    cat "$log"
    mkdir -p "$OUT/fuzz/$name"
    cp -R "$(dirname "$file")/testdata/fuzz/$name/." "$OUT/fuzz/$name/" 2>/dev/null || true
  done < <(grep -rn --include='*_test.go' -E '^func Fuzz[A-Za-z0-9_]*\(' . | sed 's|^\./||')
  echo "$found fuzz targets, $seconds s each"
  [ "$found" -gt 0 ] && [ "$failed" = 0 ]
}

# fuzz_targets counts them, so that a step can share its time out.
fuzz_targets() { grep -rhoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*\(' . | wc -l; }

# verbose runs Go tests of the binary: what they measured is shown, the list of what passed is not.
verbose() { go test -count=1 -v "$@" | quiet; }
quiet() { sed -E '/^=== (RUN|PAUSE|CONT)/d; /^ +--- PASS/d'; }

# can_trace says whether this machine lets one process trace another that is not its child.
can_trace() {
  local pid rc=0
  sleep 30 &
  pid=$!
  timeout -s INT 2 strace -qq -e trace=none -p "$pid" 2>"$WORK/strace.log" || rc=$?
  kill "$pid" 2>/dev/null || true
  # 124: strace was attached until the time ran out.
  [ "$rc" = 124 ] || [ "$rc" = 0 ] && ! grep -qiE 'not permitted|ptrace' "$WORK/strace.log"
}
