#!/usr/bin/env bash
# redis-benchmark against the daemon: the tests that need no other type than strings, alone, pipelined and in RESP3.
set -euo pipefail
command -v redis-benchmark >/dev/null || { echo "redis-tools is not installed"; exit 77; }

benchmark() {
  local report
  report=$(timeout 120 redis-benchmark -p "$CLIENT_TEST_PORT" -t ping,set,get,incr,mset -q "$@" 2>&1 | tr '\r' '\n')
  for name in PING_INLINE PING_MBULK SET GET INCR 'MSET (10 keys)'; do
    if ! grep -F "$name: " <<<"$report" | grep -q 'requests per second, p50='; then
      printf 'redis-benchmark %s: no result for %s in:\n%s\n' "$*" "$name" "$report"
      exit 1
    fi
  done
  if grep -qi error <<<"$report"; then
    printf 'redis-benchmark %s:\n%s\n' "$*" "$report"
    exit 1
  fi
}

benchmark -n 2000
benchmark -n 5000 -P 16 -c 20 -r 1000 -d 300
benchmark -n 5000 -P 100 -c 5 -r 1000 -3
