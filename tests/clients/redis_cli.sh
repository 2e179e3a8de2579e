#!/usr/bin/env bash
# redis-cli against the daemon: plain commands in both protocols, and its modes --scan, --bigkeys, --pipe, --stat, --latency.
set -euo pipefail
command -v redis-cli >/dev/null || { echo "redis-tools is not installed"; exit 77; }
port=$CLIENT_TEST_PORT
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cli() { timeout 60 redis-cli -p "$port" "$@"; }
fail() { echo "redis_cli.sh: $*"; exit 1; }
expect() {  # expect WHAT WANTED GOT
  [[ $2 == "$3" ]] || fail "$1: wanted '$2', got '$3'"
}

for protocol in -2 -3; do
  expect "PING $protocol" PONG "$(cli $protocol ping)"
  expect "SET $protocol" OK "$(cli $protocol set greeting 'hello there')"
  expect "GET $protocol" "hello there" "$(cli $protocol get greeting)"
  expect "GET of nothing $protocol" "" "$(cli $protocol get nothing)"
  expect "error $protocol" "ERR value is not an integer or out of range" "$(cli $protocol incr greeting)"
  expect "SELECT $protocol" "1" "$(cli $protocol -n 7 incr "counter$protocol")"
  expect "DBSIZE of another bucket $protocol" "(integer) 1" "$(cli $protocol --no-raw dbsize)"
  grep -q '^redis_mode:standalone' <<<"$(cli $protocol info server)" || fail "INFO $protocol lacks redis_mode"
done
expect "-3 shows a map" "1# \"databases\" => \"16\"" "$(cli -3 --no-raw config get databases)"
expect "-2 shows a list" "1) \"databases\" 2) \"16\"" "$(cli -2 --no-raw config get databases | paste -sd' ')"
printf 'a\0b\r\nc' >"$folder/binary"
cli -x set binary <"$folder/binary" >/dev/null
cli --raw get binary | head -c 6 | cmp - "$folder/binary" || fail "binary value changed on its way"
expect "commands from a file" "OK 2 3" "$(printf 'set n 1\nincr n\nincr n\n' | cli | paste -sd' ')"
cli --no-raw command docs get >/dev/null || fail "COMMAND DOCS"

# --pipe: 20 000 keys by mass insertion, with a big value among them.
awk 'BEGIN { for (i = 0; i < 20000; i++) { key = "pipe:" i; printf "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$5\r\nvalue\r\n", length(key), key } }' >"$folder/mass"
tail -n 1 <<<"$(cli --pipe <"$folder/mass")" >"$folder/report"
grep -q 'errors: 0, replies: 20000' "$folder/report" || fail "--pipe: $(cat "$folder/report")"
head -c 3000000 /dev/zero | cli -x set pipe:big >/dev/null

expect "--scan" 20001 "$(cli --scan --pattern 'pipe:*' | sort -u | wc -l)"
cli --bigkeys >"$folder/bigkeys"
grep -q 'Biggest string found .*pipe:big.* has 3000000 bytes' "$folder/bigkeys" || fail "--bigkeys: $(cat "$folder/bigkeys")"

# --stat and --latency run until they are told to stop.
redis-cli -p "$port" -i 0.1 --stat >"$folder/stat" 2>&1 &
stat_pid=$!
for _ in $(seq 100); do
  [[ $(wc -l <"$folder/stat") -ge 5 ]] && break
  sleep 0.1
done
kill "$stat_pid"
wait "$stat_pid" || true
grep -Eq '^20[0-9]{3} +[0-9.]+[KMG] +[0-9]+ +0 +[0-9]+ ' "$folder/stat" || fail "--stat: $(cat "$folder/stat")"
timeout 2 redis-cli -p "$port" -i 1 --raw --latency >"$folder/latency" || true
grep -Eq '^[0-9]+ [0-9]+ [0-9.]+ [0-9]+' "$folder/latency" || fail "--latency: $(cat "$folder/latency")"
