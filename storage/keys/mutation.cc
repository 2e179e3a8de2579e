#include "storage/keys/mutation.h"

#include "storage/base/bytes.h"

namespace sett::storage {

// A mutation:  kind (1 byte)  bucket (varint)  key (sized)  fields by kind (varints)  [value size (varint)  value]
void encode_without_value(const Mutation& mutation, std::string& out) {
  out.push_back(static_cast<char>(mutation.kind));
  append_varint(out, mutation.bucket);
  append_sized(out, mutation.key);
  switch (mutation.kind) {
    case Mutation::Kind::put:
      append_varint(out, static_cast<uint64_t>(mutation.expires_at_ms));
      append_varint(out, mutation.value.size());
      break;
    case Mutation::Kind::splice:
      append_varint(out, mutation.offset);
      append_varint(out, mutation.new_length);
      append_varint(out, mutation.value.size());
      break;
    case Mutation::Kind::put_pointer:
      append_varint(out, static_cast<uint64_t>(mutation.expires_at_ms));
      append_varint(out, mutation.pointer.file);
      append_varint(out, mutation.pointer.offset);
      append_varint(out, mutation.pointer.value_bytes);
      break;
    case Mutation::Kind::expire:
    case Mutation::Kind::expiry_pass:
      append_varint(out, static_cast<uint64_t>(mutation.expires_at_ms));
      break;
    case Mutation::Kind::remove:
    case Mutation::Kind::bind:
      break;
  }
}

bool MutationDecoder::next(Mutation& mutation) {
  if (failed_ || rest_.empty()) return false;
  ByteReader reader(rest_);
  mutation = Mutation{.kind = static_cast<Mutation::Kind>(reader.fixed<uint8_t>())};
  mutation.bucket = reader.varint();
  mutation.key = reader.sized();
  switch (mutation.kind) {
    case Mutation::Kind::put:
      mutation.expires_at_ms = static_cast<int64_t>(reader.varint());
      mutation.value = reader.sized();
      break;
    case Mutation::Kind::splice:
      mutation.offset = reader.varint();
      mutation.new_length = reader.varint();
      mutation.value = reader.sized();
      break;
    case Mutation::Kind::put_pointer:
      mutation.expires_at_ms = static_cast<int64_t>(reader.varint());
      mutation.pointer.file = reader.varint();
      mutation.pointer.offset = reader.varint();
      mutation.pointer.value_bytes = reader.varint();
      break;
    case Mutation::Kind::expire:
    case Mutation::Kind::expiry_pass:
      mutation.expires_at_ms = static_cast<int64_t>(reader.varint());
      break;
    case Mutation::Kind::remove:
    case Mutation::Kind::bind:
      break;
    default:
      failed_ = true;
      return false;
  }
  failed_ =
      reader.failed() || mutation.expires_at_ms < 0 ||
      (mutation.kind == Mutation::Kind::splice &&
       (mutation.value.size() > mutation.new_length || mutation.offset > mutation.new_length - mutation.value.size()));
  rest_ = reader.rest();
  return !failed_;
}

}  // namespace sett::storage
