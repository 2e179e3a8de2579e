#include "storage/table/table_format.h"

#include <lz4.h>

#include <cassert>

#include "storage/base/bytes.h"
#include "storage/base/crc32c.h"
#include "storage/keys/tree_key.h"

namespace sett::storage::table_format {

namespace {

//  0       8         12       20      28           40           52     60         64
//  | magic | version | number | epoch | partitions | properties | zero | checksum |
constexpr size_t footer_checksum_at = 60;

void append_handle(std::string& out, const BlockHandle& handle) {
  append_fixed<uint64_t>(out, handle.offset);
  append_fixed<uint32_t>(out, static_cast<uint32_t>(handle.stored_bytes));
}

BlockHandle read_handle(ByteReader& reader) {
  BlockHandle handle;
  handle.offset = reader.fixed<uint64_t>();
  handle.stored_bytes = reader.fixed<uint32_t>();
  return handle;
}

// Fields of the properties: an id, then a number, or from first_text_id on a sized text. Persisted: never renumbered.
enum class Field : uint64_t {
  entries = 1,
  tombstones = 2,
  pointers = 3,
  expiring = 4,
  key_bytes = 5,
  value_bytes = 6,
  first_sequence = 7,
  last_sequence = 8,
  first_expiry_ms = 9,
  smallest = 64,
  largest = 65,
  value_bytes_in = 66,
};
constexpr uint64_t first_text_id = 64;

struct NumberField {
  Field id;
  uint64_t Properties::*member;
};
constexpr NumberField number_fields[] = {
    {Field::entries, &Properties::entries},
    {Field::tombstones, &Properties::tombstones},
    {Field::pointers, &Properties::pointers},
    {Field::expiring, &Properties::expiring},
    {Field::key_bytes, &Properties::key_bytes},
    {Field::value_bytes, &Properties::value_bytes},
    {Field::first_sequence, &Properties::first_sequence},
    {Field::last_sequence, &Properties::last_sequence},
    {Field::first_expiry_ms, &Properties::first_expiry_ms},
};

constexpr uint64_t lz4_ratio_max = 256;  // more LZ4 cannot do

uint32_t block_checksum(uint64_t epoch, uint64_t offset, std::string_view payload_and_kind) {
  char seed[16];
  put_fixed<uint64_t>(seed, epoch);
  put_fixed<uint64_t>(seed + 8, offset);
  return extend_crc32c(crc32c({seed, sizeof seed}), payload_and_kind);
}

}  // namespace

std::string encode_footer(const Footer& footer) {
  std::string out(magic);
  append_fixed<uint32_t>(out, version);
  append_fixed<uint64_t>(out, footer.number);
  append_fixed<uint64_t>(out, footer.epoch);
  append_handle(out, footer.partitions);
  append_handle(out, footer.properties);
  append_fixed<uint64_t>(out, 0);
  append_fixed<uint32_t>(out, crc32c(out));
  assert(out.size() == footer_bytes);
  return out;
}

Result<Footer> decode_footer(std::string_view bytes, const std::string& path, uint64_t offset) {
  if (bytes.size() != footer_bytes || !bytes.starts_with(magic))
    return Status::corruption(path, offset, "the file does not end like a table");
  ByteReader reader(bytes.substr(magic.size()));
  const auto found_version = reader.fixed<uint32_t>();
  if (found_version > version)
    return Status::error(ErrorKind::unsupported, path + ": written by a newer sett (format " +
                                                     std::to_string(found_version) + ", this one reads up to " +
                                                     std::to_string(version) + ")");
  if (get_fixed<uint32_t>(bytes.data() + footer_checksum_at) != crc32c(bytes.substr(0, footer_checksum_at)))
    return Status::corruption(path, offset, "the checksum of the table's footer is wrong");
  if (found_version != version) return Status::corruption(path, offset, "the version of the table is impossible");
  Footer footer;
  footer.number = reader.fixed<uint64_t>();
  footer.epoch = reader.fixed<uint64_t>();
  footer.partitions = read_handle(reader);
  footer.properties = read_handle(reader);
  return footer;
}

BlockHandle append_block(std::string& out, std::string_view payload, Compression wanted, uint64_t epoch,
                         uint64_t offset) {
  assert(payload.size() <= block_bytes_max);
  const size_t begin = out.size();
  Compression used = Compression::none;
  if (wanted == Compression::lz4 && payload.size() <= LZ4_MAX_INPUT_SIZE) {
    // More than seven eighths of the size is not worth the decompression.
    const auto room = static_cast<int>(payload.size() - payload.size() / 8);
    out.resize(begin + static_cast<size_t>(room));
    const int size = LZ4_compress_default(payload.data(), out.data() + begin, static_cast<int>(payload.size()), room);
    out.resize(begin + static_cast<size_t>(size > 0 ? size : 0));
    if (size > 0) used = Compression::lz4;
  }
  if (used == Compression::none) out.append(payload);
  const BlockHandle handle{offset, out.size() - begin};
  out.push_back(static_cast<char>(used));
  append_fixed<uint32_t>(out, static_cast<uint32_t>(payload.size()));
  append_fixed<uint32_t>(out, block_checksum(epoch, offset, std::string_view(out).substr(begin)));
  return handle;
}

Result<std::string> open_block(std::string_view stored, const BlockHandle& handle, uint64_t epoch,
                               const std::string& path) {
  const auto damaged = [&](std::string what) { return Status::corruption(path, handle.offset, std::move(what)); };
  if (stored.size() != handle.stored_bytes + trailer_bytes) return damaged("a block of the table ends early");
  const std::string_view checked = stored.substr(0, stored.size() - sizeof(uint32_t));
  if (get_fixed<uint32_t>(stored.data() + checked.size()) != block_checksum(epoch, handle.offset, checked))
    return damaged("the checksum of a block is wrong");
  const std::string_view payload = stored.substr(0, handle.stored_bytes);
  const auto compression = static_cast<Compression>(stored[handle.stored_bytes]);
  const auto raw_bytes = get_fixed<uint32_t>(stored.data() + handle.stored_bytes + 1);
  switch (compression) {
    case Compression::none:
      if (raw_bytes != payload.size()) return damaged("a block has not the size that it says");
      return std::string(payload);
    case Compression::lz4: {
      if (raw_bytes > LZ4_MAX_INPUT_SIZE || payload.size() > LZ4_MAX_INPUT_SIZE ||
          raw_bytes > payload.size() * lz4_ratio_max)
        return damaged("a block has an impossible size");
      std::string raw(raw_bytes, '\0');
      const int size = LZ4_decompress_safe(payload.data(), raw.data(), static_cast<int>(payload.size()),
                                           static_cast<int>(raw_bytes));
      if (size < 0 || static_cast<uint32_t>(size) != raw_bytes) return damaged("a block cannot be decompressed");
      return raw;
    }
  }
  return damaged("a block is compressed in a way that is not known");
}

std::optional<BlockHandle> find_block(std::string_view bytes, uint64_t epoch, uint64_t offset) {
  char seed[16];
  put_fixed<uint64_t>(seed, epoch);
  put_fixed<uint64_t>(seed + 8, offset);
  uint32_t crc = crc32c({seed, sizeof seed});
  uint64_t covered = 0;  // of the payload, by crc
  for (uint64_t size = 0; size + trailer_bytes <= bytes.size(); ++size) {
    const char* trailer = bytes.data() + size;
    const auto raw_bytes = get_fixed<uint32_t>(trailer + 1);
    const bool looks_like_one = trailer[0] == static_cast<char>(Compression::none)
                                    ? raw_bytes == size
                                    : trailer[0] == static_cast<char>(Compression::lz4) && raw_bytes > size &&
                                          raw_bytes <= size * lz4_ratio_max;
    if (!looks_like_one) continue;
    crc = extend_crc32c(crc, bytes.substr(covered, size - covered));
    covered = size;
    const uint32_t expected = extend_crc32c(crc, {trailer, trailer_bytes - sizeof(uint32_t)});
    if (get_fixed<uint32_t>(trailer + trailer_bytes - sizeof(uint32_t)) == expected) return BlockHandle{offset, size};
  }
  return std::nullopt;
}

std::string encode_properties(const Properties& properties) {
  std::string out;
  for (const NumberField& field : number_fields) {
    append_varint(out, static_cast<uint64_t>(field.id));
    append_varint(out, properties.*field.member);
  }
  append_varint(out, static_cast<uint64_t>(Field::smallest));
  append_sized(out, properties.smallest);
  append_varint(out, static_cast<uint64_t>(Field::largest));
  append_sized(out, properties.largest);
  if (properties.value_bytes_in.empty()) return out;
  std::string list;
  for (const auto& [file, bytes] : properties.value_bytes_in) {
    append_varint(list, file);
    append_varint(list, bytes);
  }
  append_varint(out, static_cast<uint64_t>(Field::value_bytes_in));
  append_sized(out, list);
  return out;
}

namespace {

bool read_value_bytes_in(std::string_view text, ValueBytesIn& out) {
  ByteReader reader(text);
  while (!reader.at_end() && !reader.failed()) {
    const uint64_t file = reader.varint();
    const uint64_t bytes = reader.varint();
    if (!out.empty() && file <= out.back().first) return false;
    out.emplace_back(file, bytes);
  }
  return !reader.failed();
}

}  // namespace

bool decode_properties(std::string_view payload, Properties& properties) {
  properties = {};
  ByteReader reader(payload);
  while (!reader.at_end() && !reader.failed()) {
    const uint64_t id = reader.varint();
    if (id >= first_text_id) {
      const std::string_view text = reader.sized();
      if (id == static_cast<uint64_t>(Field::smallest)) properties.smallest = text;
      if (id == static_cast<uint64_t>(Field::largest)) properties.largest = text;
      if (id == static_cast<uint64_t>(Field::value_bytes_in) && !read_value_bytes_in(text, properties.value_bytes_in))
        return false;
      continue;
    }
    const uint64_t number = reader.varint();
    for (const NumberField& field : number_fields)
      if (id == static_cast<uint64_t>(field.id)) properties.*field.member = number;
  }
  return !reader.failed() && properties.smallest.size() >= bucket_prefix_bytes &&
         properties.smallest <= properties.largest && properties.value_bytes_in.empty() == (properties.pointers == 0);
}

}  // namespace sett::storage::table_format
