#include "storage/tools/key_history.h"

#include <catch2/catch.hpp>

#include "storage/keys/tree_key.h"

namespace sett::storage {
namespace {

constexpr BucketId bucket = 65537, other = 131073;

Mutation put(std::string_view key, std::string_view value, int64_t expires_at_ms = 0) {
  return {.kind = Mutation::Kind::put, .bucket = bucket, .key = key, .value = value, .expires_at_ms = expires_at_ms};
}
Mutation splice(std::string_view key, std::string_view bytes, uint64_t offset, uint64_t new_length) {
  return {.kind = Mutation::Kind::splice,
          .bucket = bucket,
          .key = key,
          .value = bytes,
          .offset = offset,
          .new_length = new_length};
}
Mutation expire(std::string_view key, int64_t expires_at_ms) {
  return {.kind = Mutation::Kind::expire, .bucket = bucket, .key = key, .expires_at_ms = expires_at_ms};
}
Mutation remove(std::string_view key) {
  return {.kind = Mutation::Kind::remove, .bucket = bucket, .key = key};
}

struct Ended {
  bool is_whole;
  KeyState state;
};
Ended end(KeyHistory& history, std::string_view key, KeyState found = {}) {
  const bool is_whole = history.finish(tree_key(bucket, key), found);
  return {is_whole, found};
}
KeyState present(std::string value, Sequence sequence, int64_t expires_at_ms = 0) {
  return {.is_present = true, .sequence = sequence, .expires_at_ms = expires_at_ms, .value = std::move(value)};
}

}  // namespace

TEST_CASE("key history: what was done to a key is done again, in order, from where it was found", "[tools]") {
  KeyHistory history;
  history.add(5, {put("a", "one"), put("b", "two", 100)}, {});
  history.add(6, {splice("a", "XY", 4, 6), expire("a", 900)}, {});
  history.add(7, {remove("b"), splice("c", "Z", 0, 2)}, {});
  CHECK(history.left().size() == 3);
  const Ended a = end(history, "a");
  CHECK(a.is_whole);
  CHECK(a.state.value == std::string("one\0XY", 6));
  CHECK(a.state.expires_at_ms == 900);
  CHECK(a.state.sequence == 6);
  const Ended b = end(history, "b", present("old", 3));
  CHECK((b.is_whole && !b.state.is_present));
  const Ended c = end(history, "c", present("12345", 4));
  CHECK((c.is_whole && c.state.value == "Z2"));
  CHECK(history.left().empty());
}

TEST_CASE("key history: what a key was found with is not done a second time", "[tools]") {
  KeyHistory history;
  history.add(5, {put("a", "one")}, {});
  history.add(6, {splice("a", "!", 3, 4), splice("a", "?", 4, 5)}, {});
  history.add(7, {splice("a", "END", 5, 8)}, {});
  CHECK(end(history, "a", present("one!?", 6)).state.value == "one!?END");
  history.add(5, {put("a", "one")}, {});
  CHECK_FALSE(end(history, "a", {.is_present = false, .sequence = 9}).state.is_present);
}

TEST_CASE("key history: a change of a value that is lost leaves none, until it is written anew", "[tools]") {
  KeyHistory history;
  history.add(5, {splice("a", "!", 3, 4)}, {});
  const Ended lost = end(history, "a");
  CHECK_FALSE(lost.is_whole);
  CHECK_FALSE(lost.state.is_present);
  history.add(5, {splice("a", "!", 3, 4)}, {});
  history.add(6, {put("a", "new")}, {});
  const Ended again = end(history, "a");
  CHECK((again.is_whole && again.state.value == "new"));
  Mutation pointer = put("a", {});
  pointer.kind = Mutation::Kind::put_pointer;
  history.add(7, {pointer}, {nullptr});
  const Ended gone = end(history, "a", present("older", 2));
  CHECK_FALSE(gone.is_whole);
  CHECK_FALSE(gone.state.is_present);
  const std::string value = "large";
  history.add(8, {pointer, splice("a", "st", 5, 7)}, {&value});
  CHECK(end(history, "a").state.value == "largest");
}

TEST_CASE("key history: what a pass has removed stays so, whatever came later", "[tools]") {
  KeyHistory history;
  history.add(5, {put("a", "one", 100), put("b", "two", 200)}, {});
  history.add(6, {{.kind = Mutation::Kind::expiry_pass, .expires_at_ms = 150}}, {});
  history.add(7, {expire("a", 9000), expire("b", 9000)}, {});
  CHECK_FALSE(end(history, "a").state.is_present);
  CHECK(end(history, "b").state.expires_at_ms == 9000);
  CHECK_FALSE(end(history, "c", present("found", 4, 120)).state.is_present);
  CHECK(end(history, "d", present("found", 7, 120)).state.is_present);
}

TEST_CASE("key history: a change behind a gap is not done to a value from before it", "[tools]") {
  KeyHistory history;
  history.add(5, {put("a", "one"), put("b", "two")}, {});
  history.add_gap(8);
  history.add(8, {splice("a", "!", 3, 4), expire("b", 700), put("c", "new")}, {});
  history.add(9, {splice("c", "!", 3, 4)}, {});
  const Ended a = end(history, "a");
  CHECK_FALSE(a.is_whole);
  CHECK_FALSE(a.state.is_present);
  const Ended b = end(history, "b");
  CHECK((b.is_whole && b.state.value == "two" && b.state.expires_at_ms == 700));
  const Ended c = end(history, "c");
  CHECK((c.is_whole && c.state.value == "new!"));
  history.bind("x", bucket);
  history.bind("x", other);  // perhaps a swap was lost, and the bucket has another name
  CHECK_FALSE(history.is_dropped(bucket));
}

TEST_CASE("key history: names go from bucket to bucket", "[tools]") {
  KeyHistory history;
  history.bind("a", bucket);
  history.bind("b", other);
  history.bind("a", other);  // a swap
  history.bind("b", bucket);
  CHECK(history.name_of(bucket) == "b");
  CHECK(history.name_of(other) == "a");
  CHECK(history.names().size() == 2);
  CHECK_FALSE(history.is_dropped(bucket));
  history.bind("a", no_bucket);
  CHECK(history.name_of(other).empty());
  CHECK(history.is_dropped(other));
  history.bind("b", 196609);  // a flush
  CHECK(history.is_dropped(bucket));
  CHECK(history.name_of(196609) == "b");
}

}  // namespace sett::storage
