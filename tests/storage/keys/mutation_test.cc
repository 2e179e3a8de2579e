#include "storage/keys/mutation.h"

#include <catch2/catch.hpp>
#include <vector>

#include "storage/base/random.h"

using namespace sett::storage;

namespace {

std::string encode(const Mutation& mutation) {
  std::string out;
  encode_without_value(mutation, out);
  return out.append(mutation.value);
}

std::vector<Mutation> one_of_each(std::string_view key, std::string_view value) {
  using Kind = Mutation::Kind;
  const BucketId bucket = make_bucket_id(300, 2);
  return {
      {.kind = Kind::put, .bucket = bucket, .key = key, .value = value, .expires_at_ms = 1'700'000'000'000},
      {.kind = Kind::splice, .bucket = bucket, .key = key, .value = value, .offset = 70'000, .new_length = 200'000},
      {.kind = Kind::expire, .bucket = bucket, .key = key, .expires_at_ms = 0},
      {.kind = Kind::remove, .bucket = bucket, .key = key},
      {.kind = Kind::bind, .bucket = bucket, .key = key},
      {.kind = Kind::expiry_pass, .expires_at_ms = 1'700'000'000'000},
      {.kind = Kind::put_pointer, .bucket = bucket, .key = key, .expires_at_ms = 5, .pointer = {3, 70'000, 1 << 20}}};
}

void check_same(const Mutation& a, const Mutation& b) {
  REQUIRE(a.kind == b.kind);
  REQUIRE(a.bucket == b.bucket);
  REQUIRE(a.key == b.key);
  REQUIRE(a.value == b.value);
  REQUIRE(a.expires_at_ms == b.expires_at_ms);
  REQUIRE(a.offset == b.offset);
  REQUIRE(a.new_length == b.new_length);
  REQUIRE(a.pointer == b.pointer);
}

}  // namespace

TEST_CASE("mutations: there and back, alone and in a row; what is cut short is refused", "[keys]") {
  for (const uint64_t key_bytes : {0u, 3u, 300u}) {
    for (const uint64_t value_bytes : {0u, 5u, 200u}) {
      const std::string key(key_bytes, '\xff'), value(value_bytes, '\0');
      std::string batch;
      const auto all = one_of_each(key, value);
      for (const Mutation& mutation : all) {
        const std::string bytes = encode(mutation);
        batch += bytes;
        MutationDecoder decoder(bytes);
        Mutation back;
        REQUIRE(decoder.next(back));
        check_same(back, mutation);
        REQUIRE_FALSE(decoder.next(back));
        REQUIRE_FALSE(decoder.failed());
        for (size_t cut = 1; cut < bytes.size(); ++cut) {
          MutationDecoder shorter(std::string_view(bytes).substr(0, cut));
          REQUIRE_FALSE(shorter.next(back));
          REQUIRE(shorter.failed());
        }
      }
      MutationDecoder decoder(batch);
      Mutation back;
      for (const Mutation& mutation : all) {
        REQUIRE(decoder.next(back));
        check_same(back, mutation);
      }
      REQUIRE_FALSE(decoder.next(back));
      REQUIRE_FALSE(decoder.failed());
    }
  }
}

TEST_CASE("mutations: the bytes on disk", "[keys]") {
  // storage/README.md explains these.
  const Mutation put{.kind = Mutation::Kind::put, .bucket = make_bucket_id(1, 0), .key = "key", .value = "value"};
  REQUIRE(encode(put) == std::string("\x01\x80\x80\x04\x03key\x00\x05value", 15));
}

TEST_CASE("mutations: what is no mutation is refused", "[keys]") {
  const auto refused = [](const std::string& bytes) {
    MutationDecoder decoder(bytes);
    Mutation mutation;
    while (decoder.next(mutation)) {
    }
    return decoder.failed();
  };
  REQUIRE(refused(std::string("\0", 1)));
  REQUIRE(refused("\x07\x01\x01k"));
  // A splice that reaches beyond its new length.
  const Mutation beyond{
      .kind = Mutation::Kind::splice, .bucket = 1, .key = "k", .value = "abc", .offset = 8, .new_length = 10};
  REQUIRE(refused(encode(beyond)));
  const Mutation far{
      .kind = Mutation::Kind::splice, .bucket = 1, .key = "k", .value = "abc", .offset = ~0ull, .new_length = 10};
  REQUIRE(refused(encode(far)));
  Random random(3);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random.below(40), '\0');
    for (char& c : bytes) c = static_cast<char>(random.next());
    refused(bytes);  // ends, and reads nothing that is not there
  }
}
