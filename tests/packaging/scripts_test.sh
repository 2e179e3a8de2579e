#!/usr/bin/env bash
# install_packages of scripts/packages on invented machines: fake dpkg-query, apt-get, id and sudo stand first in PATH, and
# what they are called with is looked at.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() { echo "scripts_test.sh: $*"; exit 1; }

fake() {  # fake NAME SCRIPT
  printf '#!/bin/bash\n%s\n' "$2" >"$folder/bin/$1"
  chmod +x "$folder/bin/$1"
}
try() {  # try PURPOSE...: what was said in $said, what was called in $called, the outcome in $code
  : >"$folder/calls"
  code=0
  said=$(PATH=$folder/bin:$only_path CALLS=$folder/calls /bin/bash -c '. scripts/packages; install_packages "$@"' - "$@" 2>&1) || code=$?
  called=$(cat "$folder/calls")
}
reset() {
  rm -rf "${folder:?}/bin"
  mkdir "$folder/bin"
  ln -s "$(command -v grep)" "$(command -v env)" "$folder/bin/"
  only_path=$folder/bin
}

reset
try build
[[ $code -ne 0 && $said == *"no Debian system"*libboost1.81-dev* ]] || fail "without apt: $code, $said"

reset
# shellcheck disable=SC2016  # the fakes expand these
{
fake dpkg-query 'shift 2; for name in "$@"; do [[ $name == lz4 ]] || printf "installed=%s:amd64 " "$name"; done; exit 1'
fake apt-get 'echo "apt-get $*" >>"$CALLS"'
fake id 'echo 0'
fake sudo 'echo "sudo" >>"$CALLS"; exec "$@"'
}
try build
[[ $code -eq 0 && -z $called && -z $said ]] || fail "nothing missing, yet: $code, $said, $called"
if grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; then
  try build test
  [[ $code -eq 0 && $(wc -l <<<"$called") -eq 2 && $called == *" update"*" install -y --no-install-recommends lz4" ]] ||
    fail "one package missing: $code, $said, $called"
  fake id 'echo 1000'
  try test
  [[ $code -eq 0 && $called == sudo$'\n'*lz4 ]] || fail "not root, with sudo: $code, $said, $called"
  rm "$folder/bin/sudo"
  try test
  [[ $code -ne 0 && -z $called && $said == *"need root or sudo"*lz4* ]] || fail "neither root nor sudo: $code, $said, $called"
  # shellcheck disable=SC2016
  fake apt-get 'echo "apt-get $*" >>"$CALLS"; exit 100'
  fake id 'echo 0'
  try test
  [[ $code -ne 0 ]] || fail "a failing apt-get went unnoticed"
fi
