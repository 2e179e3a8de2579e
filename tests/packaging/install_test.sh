#!/usr/bin/env bash
# `cmake --install BUILD` into a staging folder puts everything where a distribution would, keeps an edited sett.yaml, and what
# it installs runs: install_test.sh BUILD.
set -euo pipefail
build=$(realpath "${1:?usage: install_test.sh BUILD_FOLDER}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() { echo "install_test.sh: $*"; exit 1; }

DESTDIR=$folder/stage cmake --install "$build" --prefix /usr >"$folder/log" || { cat "$folder/log"; exit 1; }
cd "$folder/stage"
for file in usr/bin/settd etc/sett/sett.yaml usr/lib/systemd/system/sett.service usr/lib/sysusers.d/sett.conf \
            usr/share/doc/sett/README.md usr/share/doc/sett/LICENSE; do
  [[ -f $file ]] || fail "$file is missing; there are: $(find . -type f | paste -sd' ')"
done
[[ $(find . -type f | wc -l) -eq 6 ]] || fail "more than expected: $(find . -type f | paste -sd' ')"
started=$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' usr/lib/systemd/system/sett.service)
[[ -x .$started ]] || fail "the unit starts $started, which is not installed"
usr/bin/settd --version >/dev/null || fail "the installed settd does not start"
usr/bin/settd --check-config etc/sett/sett.yaml || fail "the installed sett.yaml is refused"

echo "# edited" >>etc/sett/sett.yaml
DESTDIR=$folder/stage cmake --install "$build" --prefix /usr >/dev/null
[[ $(tail -n 1 etc/sett/sett.yaml) == "# edited" ]] || fail "a second install overwrote the edited sett.yaml"

DESTDIR=$folder/local cmake --install "$build" --prefix /usr/local >/dev/null
grep -q '^ExecStart=/usr/local/bin/settd ' "$folder/local/usr/local/lib/systemd/system/sett.service" ||
  fail "under another prefix the unit does not start the settd installed there"
