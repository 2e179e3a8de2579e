#include "server/commands/client_line.h"

#include <algorithm>
#include <string_view>

#include "protocol/number_text.h"
#include "server/printable.h"

namespace sett::server {
namespace {

uint64_t relaxed(const std::atomic<uint64_t>& value) {
  return value.load(std::memory_order_relaxed);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  if (!out.empty() && out.back() != '\n') out += ' ';
  out.append(name).append("=").append(value);
}

void append_field(std::string& out, std::string_view name, uint64_t value) {
  append_field(out, name, std::to_string(value));
}

int64_t seconds_between(int64_t begin_ms, int64_t end_ms) {
  return std::max<int64_t>(0, end_ms - begin_ms) / 1000;
}

}  // namespace

std::string client_flags(const ClientRecord& client) {
  std::string flags;
  if (client.is_unix) flags += 'U';
  if (client.no_evict.load(std::memory_order_relaxed)) flags += 'e';
  if (client.no_touch.load(std::memory_order_relaxed)) flags += 'T';
  return flags.empty() ? "N" : flags;
}

void append_client_line(const ClientRecord& client, int64_t now_ms, std::string& out) {
  std::string name, lib_name, lib_version, bucket;
  {
    storage::MutexLock guard(client.mutex);
    name = client.name;
    lib_name = client.lib_name;
    lib_version = client.lib_version;
    bucket = client.bucket;
  }
  const bool is_numbered = protocol::parse_int64(bucket).has_value();
  const uint64_t input = relaxed(client.query_buffer), input_free = relaxed(client.query_buffer_free);
  const uint64_t output = relaxed(client.output_buffer);
  const uint64_t memory = sizeof(ClientRecord) + name.size() + lib_name.size() + lib_version.size() + bucket.size() +
                          input + input_free + output + relaxed(client.argument_bytes);
  append_field(out, "id", client.id);
  append_field(out, "addr", client.address);
  append_field(out, "laddr", client.local_address);
  append_field(out, "fd", std::to_string(client.fd));
  append_field(out, "name", name);
  append_field(out, "age", std::to_string(seconds_between(client.created_ms, now_ms)));
  append_field(out, "idle",
               std::to_string(seconds_between(client.last_interaction_ms.load(std::memory_order_relaxed), now_ms)));
  append_field(out, "flags", client_flags(client));
  append_field(out, "db", is_numbered ? bucket : "-1");
  out += " sub=0 psub=0 ssub=0 multi=-1";
  append_field(out, "qbuf", input);
  append_field(out, "qbuf-free", input_free);
  append_field(out, "argv-mem", relaxed(client.argument_bytes));  // views into the query buffer
  out += " multi-mem=0";
  append_field(out, "rbs", uint64_t{0});  // there is one output buffer, and no fixed one before it
  append_field(out, "rbp", uint64_t{0});
  append_field(out, "obl", output);
  append_field(out, "oll", uint64_t{0});
  append_field(out, "omem", output);
  append_field(out, "tot-mem", memory);
  append_field(out, "events", output > 0 ? "rw" : "r");
  append_field(out, "cmd", client.last_command.load(std::memory_order_relaxed));
  out += " user=default redir=-1";
  append_field(out, "resp", std::to_string(client.resp.load(std::memory_order_relaxed)));
  append_field(out, "lib-name", lib_name);
  append_field(out, "lib-ver", lib_version);
  if (!is_numbered) append_field(out, "bucket", printable(bucket));
  out += '\n';
}

}  // namespace sett::server
