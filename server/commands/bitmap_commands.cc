#include <algorithm>
#include <string>
#include <vector>

#include "protocol/number_text.h"
#include "server/commands/arguments.h"
#include "server/commands/bitmap_handlers.h"
#include "server/commands/bits.h"
#include "server/commands/errors.h"
#include "server/commands/families.h"
#include "server/commands/value_writes.h"
#include "storage/base/huge_pages.h"

namespace sett::server {

using storage::Event;
using storage::Part;

std::optional<uint64_t> read_bit_offset(CommandContext& ctx, std::string_view text, unsigned field_bits) {
  const bool counts_fields = field_bits > 0 && text.starts_with('#');
  const auto number = protocol::parse_int64(counts_fields ? text.substr(1) : text);
  int64_t offset = number.value_or(-1);
  const bool fits = offset >= 0 && (!counts_fields || !__builtin_mul_overflow(offset, int64_t{field_bits}, &offset)) &&
                    static_cast<uint64_t>(offset) / 8 < ctx.value_bytes_max;
  if (fits) return static_cast<uint64_t>(offset);
  ctx.reply.error(error_bit_offset);
  return std::nullopt;
}

namespace {

void setbit_command(CommandContext& ctx) {
  const std::string_view key = ctx.args[1];
  const auto offset = read_bit_offset(ctx, ctx.args[2]);
  if (!offset) return;
  const auto bit = protocol::parse_int64(ctx.args[3]);
  if (!bit || (*bit != 0 && *bit != 1)) return ctx.reply.error(error_bit_value);
  const auto old = ctx.txn.peek(ctx.bucket(), key);
  const uint64_t index = *offset / 8;
  const bool grows = !old || index >= old->value.size();
  const auto old_byte = static_cast<unsigned char>(grows ? 0 : old->value[index]);
  const auto mask = static_cast<unsigned char>(0x80 >> (*offset % 8));
  const auto new_byte = static_cast<unsigned char>(*bit == 1 ? old_byte | mask : old_byte & ~mask);
  if (grows || new_byte != old_byte)
    stage_bytes(ctx, key, old, index, ctx.txn.keep(std::string(1, static_cast<char>(new_byte))), Event::setbit);
  ctx.reply.integer(old_byte & mask ? 1 : 0);
}

void getbit_command(CommandContext& ctx) {
  const auto offset = read_bit_offset(ctx, ctx.args[2]);
  if (!offset) return;
  const auto entry = ctx.txn.read(ctx.bucket(), ctx.args[1]);
  ctx.reply.integer(entry && *offset / 8 < entry->value.size() && bit_at(entry->value, *offset) ? 1 : 0);
}

// True: in bits, false: in bytes.
std::optional<bool> read_unit(CommandContext& ctx, std::string_view word) {
  if (is_option(word, "bit")) return true;
  if (is_option(word, "byte")) return false;
  ctx.reply.error(error_syntax);
  return std::nullopt;
}

// In bits, for a range of bits or bytes of a value.
InclusiveRange bit_range(int64_t first, int64_t last, bool in_bits, size_t value_bytes) {
  const auto bytes = static_cast<int64_t>(value_bytes);
  InclusiveRange range = clamp_range(first, last, in_bits ? bytes * 8 : bytes);
  if (!in_bits && !range.empty()) range = {range.first * 8, range.last * 8 + 7};
  return range;
}

void bitcount_command(CommandContext& ctx) {
  int64_t first = 0, last = -1;
  bool in_bits = false;
  if (ctx.args.size() == 4 || ctx.args.size() == 5) {
    const auto given_first = read_integer(ctx, ctx.args[2]);
    if (!given_first) return;
    const auto given_last = read_integer(ctx, ctx.args[3]);
    if (!given_last) return;
    const auto unit = ctx.args.size() == 5 ? read_unit(ctx, ctx.args[4]) : false;
    if (!unit) return;
    first = *given_first;
    last = *given_last;
    in_bits = *unit;
  } else if (ctx.args.size() != 2) {
    return ctx.reply.error(error_syntax);
  }
  const auto entry = ctx.txn.read(ctx.bucket(), ctx.args[1]);
  if (!entry || is_reversed(first, last)) return ctx.reply.integer(0);
  const auto range = bit_range(first, last, in_bits, entry->value.size());
  if (range.empty()) return ctx.reply.integer(0);
  ctx.reply.integer(static_cast<int64_t>(
      count_bits(entry->value, static_cast<uint64_t>(range.first), static_cast<uint64_t>(range.last))));
}

void bitpos_command(CommandContext& ctx) {
  const auto bit = read_integer(ctx, ctx.args[2]);
  if (!bit) return;
  if (*bit != 0 && *bit != 1) return ctx.reply.error("ERR The bit argument must be 1 or 0.");
  if (ctx.args.size() > 6) return ctx.reply.error(error_syntax);
  int64_t first = 0, last = -1;
  bool in_bits = false;
  if (ctx.args.size() >= 4) {
    const auto given = read_integer(ctx, ctx.args[3]);
    if (!given) return;
    first = *given;
  }
  if (ctx.args.size() == 6) {
    const auto unit = read_unit(ctx, ctx.args[5]);
    if (!unit) return;
    in_bits = *unit;
  }
  const bool end_given = ctx.args.size() >= 5;
  if (end_given) {
    const auto given = read_integer(ctx, ctx.args[4]);
    if (!given) return;
    last = *given;
  }
  const auto entry = ctx.txn.read(ctx.bucket(), ctx.args[1]);
  if (!entry) return ctx.reply.integer(*bit == 1 ? -1 : 0);
  const auto range = bit_range(first, last, in_bits, entry->value.size());
  if (range.empty()) return ctx.reply.integer(-1);
  const auto found =
      find_bit(entry->value, *bit == 1, static_cast<uint64_t>(range.first), static_cast<uint64_t>(range.last));
  // Without an end the zeroes go on behind the value.
  if (!found && *bit == 0 && !end_given) return ctx.reply.integer(static_cast<int64_t>(entry->value.size() * 8));
  ctx.reply.integer(found ? static_cast<int64_t>(*found) : -1);
}

// --- BITOP

enum class BitOperation : uint8_t { conjunction, disjunction, difference, negation };

std::optional<BitOperation> parse_bit_operation(std::string_view word) {
  if (is_option(word, "and")) return BitOperation::conjunction;
  if (is_option(word, "or")) return BitOperation::disjunction;
  if (is_option(word, "xor")) return BitOperation::difference;
  if (is_option(word, "not")) return BitOperation::negation;
  return std::nullopt;
}

// Shorter values count as followed by zeroes.
std::string combine(BitOperation operation, const std::vector<std::string_view>& values) {
  size_t length = 0;
  for (const std::string_view value : values) length = std::max(length, value.size());
  std::string result;
  result.reserve(length);
  storage::prefer_huge_pages(result.data(), length);
  result.append(values.front());
  result.resize(length);
  if (operation == BitOperation::negation) {
    for (char& byte : result) byte = static_cast<char>(~byte);
    return result;
  }
  for (size_t nth = 1; nth < values.size(); ++nth) {
    const std::string_view value = values[nth];
    switch (operation) {
      case BitOperation::conjunction:
        for (size_t i = 0; i < value.size(); ++i) result[i] = static_cast<char>(result[i] & value[i]);
        std::fill(result.begin() + static_cast<ptrdiff_t>(value.size()), result.end(), '\0');
        break;
      case BitOperation::disjunction:
        for (size_t i = 0; i < value.size(); ++i) result[i] = static_cast<char>(result[i] | value[i]);
        break;
      default:
        for (size_t i = 0; i < value.size(); ++i) result[i] = static_cast<char>(result[i] ^ value[i]);
        break;
    }
  }
  return result;
}

void bitop_command(CommandContext& ctx) {
  const auto operation = parse_bit_operation(ctx.args[1]);
  if (!operation) return ctx.reply.error(error_syntax);
  const Arguments sources = ctx.args.subspan(3);
  if (*operation == BitOperation::negation && sources.size() != 1)
    return ctx.reply.error("ERR BITOP NOT must be called with a single source key.");
  const auto bucket = ctx.bucket();
  std::vector<std::string_view> values;
  for (const std::string_view key : sources) {
    const auto entry = ctx.txn.read(bucket, key);
    values.push_back(entry ? entry->value : std::string_view());
  }
  const std::string_view result = ctx.txn.keep(combine(*operation, values));
  const std::string_view target = ctx.args[2];
  if (!result.empty())
    ctx.txn.put(bucket, target, result, 0, Event::set);
  else if (ctx.txn.peek(bucket, target, Part::presence))
    ctx.txn.remove(bucket, target, Event::del);
  ctx.reply.integer(static_cast<int64_t>(result.size()));
}

constexpr auto entry_kind = CommandKind::entry;
constexpr uint32_t write_flags = flag_write | flag_denyoom;
constexpr std::string_view slow_read_acl = "@read @bitmap @slow", fast_read_acl = "@read @bitmap @fast";
constexpr std::string_view write_acl = "@write @bitmap @slow";

}  // namespace

void add_bitmap_commands(std::vector<CommandRow>& rows) {
  const CommandRow own[] = {
      {"bitcount", -2, flag_readonly, 1, 1, 1, entry_kind, slow_read_acl, "bitmap", "2.6.0",
       "O(N) where N is the length of the part", "Counts the bits that are set in a value, or in a part of it.",
       "key [start end [BYTE | BIT]]", bitcount_command},
      {"bitfield", -2, write_flags, 1, 1, 1, entry_kind, write_acl, "bitmap", "3.2.0", "O(1) for each operation",
       "Reads and changes integers of any width within a value.",
       "key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset value | INCRBY encoding offset "
       "increment> [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset value | INCRBY encoding "
       "offset increment> ...]]",
       bitfield_command},
      {"bitfield_ro", -2, flag_readonly | flag_fast, 1, 1, 1, entry_kind, fast_read_acl, "bitmap", "6.0.0",
       "O(1) for each operation", "Reads integers of any width within a value.",
       "key [GET encoding offset [GET encoding offset ...]]", bitfield_ro_command},
      {"bitop", -4, write_flags, 2, -1, 1, entry_kind, write_acl, "bitmap", "2.6.0",
       "O(N) where N is the length of the longest value", "Combines the bits of several values into a key.",
       "<AND | OR | XOR | NOT> destkey key [key ...]", bitop_command},
      {"bitpos", -3, flag_readonly, 1, 1, 1, entry_kind, slow_read_acl, "bitmap", "2.8.7",
       "O(N) where N is the length of the part", "Finds the first bit that is set, or clear.",
       "key bit [start [end [BYTE | BIT]]]", bitpos_command},
      {"getbit", 3, flag_readonly | flag_fast, 1, 1, 1, entry_kind, fast_read_acl, "bitmap", "2.2.0", "O(1)",
       "Gives one bit of a value.", "key offset", getbit_command},
      {"setbit", 4, write_flags, 1, 1, 1, entry_kind, write_acl, "bitmap", "2.2.0", "O(1)",
       "Sets or clears one bit of a value and gives the one before; zeroes fill a gap.", "key offset value",
       setbit_command},
  };
  rows.insert(rows.end(), std::begin(own), std::end(own));
}

}  // namespace sett::server
