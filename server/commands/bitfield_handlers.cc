#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "protocol/number_text.h"
#include "server/commands/arguments.h"
#include "server/commands/bitmap_handlers.h"
#include "server/commands/bits.h"
#include "server/commands/errors.h"

namespace sett::server {
namespace {

using storage::Event;
using storage::Transaction;

struct Operation {
  enum class Kind : uint8_t { get, set, increment };
  Kind kind;
  BitfieldType type;
  Overflow overflow;
  uint64_t offset;
  int64_t operand;
};

// A value with a few of its bytes changed; beyond its end are zeroes. The value itself, which may be large, stays as it
// is.
class PatchedBytes {
 public:
  explicit PatchedBytes(std::string_view base) : base_(base) {}

  int64_t read(BitfieldType type, uint64_t offset) const {
    uint64_t bits = 0;
    for (unsigned i = 0; i < type.bits; ++i) {
      const uint64_t position = offset + i;
      bits = (bits << 1) | ((byte(position / 8) >> (7 - position % 8)) & 1);
    }
    const unsigned unused = 64 - type.bits;
    return type.is_signed ? static_cast<int64_t>(bits << unused) >> unused : static_cast<int64_t>(bits);
  }

  void write(BitfieldType type, uint64_t offset, int64_t value) {
    for (unsigned i = 0; i < type.bits; ++i) {
      const uint64_t position = offset + i;
      const bool bit = (static_cast<uint64_t>(value) >> (type.bits - 1 - i)) & 1;
      const auto at = patches_.try_emplace(position / 8, byte(position / 8)).first;
      const auto mask = static_cast<unsigned char>(0x80 >> (position % 8));
      at->second = static_cast<unsigned char>(bit ? at->second | mask : at->second & ~mask);
    }
  }

  const std::map<uint64_t, unsigned char>& patches() const { return patches_; }

 private:
  unsigned char byte(uint64_t index) const {
    const auto at = patches_.find(index);
    if (at != patches_.end()) return at->second;
    return index < base_.size() ? static_cast<unsigned char>(base_[index]) : 0;
  }

  std::string_view base_;
  std::map<uint64_t, unsigned char> patches_;
};

std::optional<BitfieldType> read_type(CommandContext& ctx, std::string_view text) {
  const bool is_signed = text.starts_with('i');
  const auto bits = text.empty() ? std::nullopt : protocol::parse_int64(text.substr(1));
  if ((is_signed || text.starts_with('u')) && bits && *bits >= 1 && *bits <= (is_signed ? 64 : 63))
    return BitfieldType{is_signed, static_cast<unsigned>(*bits)};
  ctx.reply.error("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.");
  return std::nullopt;
}

std::optional<Overflow> read_overflow(CommandContext& ctx, std::string_view word) {
  if (is_option(word, "wrap")) return Overflow::wrap;
  if (is_option(word, "sat")) return Overflow::saturate;
  if (is_option(word, "fail")) return Overflow::fail;
  ctx.reply.error("ERR Invalid OVERFLOW type specified");
  return std::nullopt;
}

// Reads GET, SET or INCRBY with its operands, the first of them at args[at + 1].
std::optional<Operation> read_operation(CommandContext& ctx, size_t at, Operation::Kind kind, Overflow overflow) {
  const auto type = read_type(ctx, ctx.args[at + 1]);
  if (!type) return std::nullopt;
  const auto offset = read_bit_offset(ctx, ctx.args[at + 2], type->bits);
  if (!offset) return std::nullopt;
  int64_t operand = 0;
  if (kind != Operation::Kind::get) {
    const auto value = read_integer(ctx, ctx.args[at + 3]);
    if (!value) return std::nullopt;
    operand = *value;
  }
  return Operation{kind, *type, overflow, *offset, operand};
}

std::optional<std::vector<Operation>> read_operations(CommandContext& ctx) {
  std::vector<Operation> operations;
  Overflow overflow = Overflow::wrap;
  for (size_t i = 2; i < ctx.args.size();) {
    const std::string_view word = ctx.args[i];
    const size_t operands = ctx.args.size() - i - 1;
    if (is_option(word, "overflow") && operands >= 1) {
      const auto chosen = read_overflow(ctx, ctx.args[i + 1]);
      if (!chosen) return std::nullopt;
      overflow = *chosen;
      i += 2;
      continue;
    }
    const bool is_get = is_option(word, "get"), is_set = is_option(word, "set"), adds = is_option(word, "incrby");
    const size_t needed = is_get ? 2 : 3;
    if ((!is_get && !is_set && !adds) || operands < needed) {
      ctx.reply.error(error_syntax);
      return std::nullopt;
    }
    const auto kind = is_get ? Operation::Kind::get : is_set ? Operation::Kind::set : Operation::Kind::increment;
    const auto operation = read_operation(ctx, i, kind, overflow);
    if (!operation) return std::nullopt;
    operations.push_back(*operation);
    i += 1 + needed;
  }
  return operations;
}

// Carries out the operations on the bytes and writes their results.
void run_operations(CommandContext& ctx, const std::vector<Operation>& operations, PatchedBytes& bytes) {
  ctx.reply.array(operations.size());
  for (const Operation& operation : operations) {
    const int64_t old = bytes.read(operation.type, operation.offset);
    if (operation.kind == Operation::Kind::get) {
      ctx.reply.integer(old);
      continue;
    }
    const bool sets = operation.kind == Operation::Kind::set;
    const auto value = sets ? bitfield_fit(operation.type, operation.operand, operation.overflow)
                            : bitfield_sum(operation.type, old, operation.operand, operation.overflow);
    if (!value) {
      ctx.reply.null();
      continue;
    }
    bytes.write(operation.type, operation.offset, *value);
    ctx.reply.integer(sets ? old : *value);
  }
}

// Stages the changed bytes, neighbours together. The value is as long as the furthest write wants it, even one that
// failed.
void stage_patches(CommandContext& ctx, const Transaction::Read& old, const PatchedBytes& bytes, uint64_t length) {
  constexpr uint64_t gap_max = 16;  // about what a splice of its own costs in the log
  const auto bucket = ctx.bucket();
  const std::string_view key = ctx.args[1];
  const std::string_view base = old ? old->value : std::string_view();
  if (!old) ctx.txn.put(bucket, key, {}, 0, Event::none);
  Event event = Event::setbit;
  if (length > base.size()) {
    ctx.txn.splice(bucket, key, 0, {}, length, event);
    event = Event::none;
  }
  const auto base_byte = [&](uint64_t index) { return index < base.size() ? base[index] : '\0'; };
  const auto& patches = bytes.patches();
  for (auto at = patches.begin(); at != patches.end();) {
    if (static_cast<char>(at->second) == base_byte(at->first)) {
      ++at;
      continue;
    }
    const uint64_t first = at->first;
    std::string run;
    for (; at != patches.end() && at->first <= first + run.size() + gap_max; ++at) {
      while (first + run.size() < at->first) run.push_back(base_byte(first + run.size()));
      run.push_back(static_cast<char>(at->second));
    }
    ctx.txn.splice(bucket, key, first, ctx.txn.keep(std::move(run)), length, event);
    event = Event::none;
  }
}

void bitfield(CommandContext& ctx, bool read_only) {
  const auto operations = read_operations(ctx);
  if (!operations) return;
  uint64_t bits = 0;  // the value must have these
  for (const Operation& operation : *operations)
    if (operation.kind != Operation::Kind::get) bits = std::max(bits, operation.offset + operation.type.bits);
  if (read_only && bits > 0) return ctx.reply.error("ERR BITFIELD_RO only supports the GET subcommand");
  const auto bucket = ctx.bucket();
  const auto old = bits > 0 ? ctx.txn.peek(bucket, ctx.args[1]) : ctx.txn.read(bucket, ctx.args[1]);
  PatchedBytes bytes(old ? old->value : std::string_view());
  run_operations(ctx, *operations, bytes);
  if (bits > 0) stage_patches(ctx, old, bytes, std::max((bits + 7) / 8, old ? old->value_bytes : 0));
}

}  // namespace

void bitfield_command(CommandContext& ctx) {
  bitfield(ctx, false);
}
void bitfield_ro_command(CommandContext& ctx) {
  bitfield(ctx, true);
}

}  // namespace sett::server
