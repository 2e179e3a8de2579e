#include "storage/tools/text.h"

#include "storage/keys/time_index.h"
#include "storage/keys/tree_key.h"

namespace sett::storage {

namespace {

std::string bytes_text(uint64_t bytes) {
  return "(" + std::to_string(bytes) + (bytes == 1 ? " byte)" : " bytes)");
}

std::string expiry_text(int64_t expires_at_ms) {
  return expires_at_ms == 0 ? std::string() : ", expires at " + std::to_string(expires_at_ms);
}

std::string pointer_text(uint64_t file, uint64_t offset, uint64_t value_bytes) {
  return "value log " + std::to_string(file) + " offset " + std::to_string(offset) + " " + bytes_text(value_bytes);
}

}  // namespace

std::string quoted(std::string_view bytes, size_t shown_max) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = "\"";
  for (const char c : bytes.substr(0, shown_max)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      text.append({'\\', c});
    else if (byte >= 0x20 && byte < 0x7F)
      text.push_back(c);
    else
      text.append({'\\', 'x', digits[byte >> 4], digits[byte & 15]});
  }
  text.push_back('"');
  return bytes.size() > shown_max ? text + "..." : text;
}

std::string value_text(std::string_view value) {
  return quoted(value, value_bytes_shown_max) + " " + bytes_text(value.size());
}

std::string tree_key_text(std::string_view key) {
  if (key.size() < bucket_prefix_bytes) return quoted_key(key);
  if (is_time_index_key(key) && key.size() >= time_index_prefix_bytes + bucket_prefix_bytes)
    return "due at " + std::to_string(due_ms_of(key)) + ": " + tree_key_text(due_key_of(key));
  return "bucket " + std::to_string(bucket_of(key)) + " " + quoted_key(user_key(key));
}

std::string mutation_text(const Mutation& mutation) {
  const std::string of_key = " bucket " + std::to_string(mutation.bucket) + " " + quoted_key(mutation.key);
  switch (mutation.kind) {
    case Mutation::Kind::put:
      return "put" + of_key + " = " + value_text(mutation.value) + expiry_text(mutation.expires_at_ms);
    case Mutation::Kind::put_pointer:
      return "put" + of_key + " = " +
             pointer_text(mutation.pointer.file, mutation.pointer.offset, mutation.pointer.value_bytes) +
             expiry_text(mutation.expires_at_ms);
    case Mutation::Kind::splice:
      return "splice" + of_key + " at " + std::to_string(mutation.offset) + " to length " +
             std::to_string(mutation.new_length) + ": " + value_text(mutation.value);
    case Mutation::Kind::expire:
      return (mutation.expires_at_ms == 0 ? "persist" : "expire") + of_key + expiry_text(mutation.expires_at_ms);
    case Mutation::Kind::remove:
      return "remove" + of_key;
    case Mutation::Kind::bind:
      return "bind " + quoted_key(mutation.key) + " to " +
             (mutation.bucket == no_bucket ? "nothing" : "bucket " + std::to_string(mutation.bucket));
    case Mutation::Kind::expiry_pass:
      return "all that is due by " + std::to_string(mutation.expires_at_ms) + " is gone";
  }
  return "a mutation of an unknown kind";
}

std::string entry_text(std::string_view tree_key, const TableEntry& entry) {
  const std::string front = tree_key_text(tree_key) + " sequence " + std::to_string(entry.sequence);
  switch (entry.kind) {
    case TableEntry::Kind::value:
      return front + " = " + value_text(entry.value) + expiry_text(entry.expires_at_ms);
    case TableEntry::Kind::pointer:
      return front + " = " + pointer_text(entry.log_file, entry.log_offset, entry.value_bytes) +
             expiry_text(entry.expires_at_ms);
    case TableEntry::Kind::tombstone:
      return front + " removed";
  }
  return front;
}

}  // namespace sett::storage
