#!/usr/bin/env bash
# The systemd unit: `systemd-analyze verify` says nothing, and its exposure stays within 1.5. Exit code 77: cannot be checked here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v systemd-analyze >/dev/null || { echo "skipped: systemd-analyze is not installed"; exit 77; }
exposure_max=1.5

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# verify looks for the programs that a unit starts; settd need not be installed for this test.
sed 's|^ExecStart=/usr/bin/settd|ExecStart=/bin/true|' scripts/sett.service >"$folder/sett.service"
grep -q '^ExecStart=/bin/true --config /etc/sett/sett.yaml ' "$folder/sett.service" || { echo "ExecStart is not as expected"; exit 1; }
if ! said=$(systemd-analyze verify --man=no "$folder/sett.service" 2>&1); then
  echo "systemd-analyze verify: $said"
  exit 1
fi
said=$(grep -F sett.service <<<"$said" || true)  # complaints about units of the machine are not ours
[[ -z $said ]] || { echo "systemd-analyze verify: $said"; exit 1; }

exposure=$(systemd-analyze security --offline=true --no-pager scripts/sett.service | sed -n 's/.*exposure level for [^:]*: \([0-9.]*\) .*/\1/p')
[[ -n $exposure ]] || { echo "systemd-analyze security gives no exposure"; exit 1; }
awk -v is="$exposure" -v max="$exposure_max" 'BEGIN { exit !(is <= max) }' || { echo "exposure $exposure, allowed $exposure_max"; exit 1; }
echo "exposure $exposure"
