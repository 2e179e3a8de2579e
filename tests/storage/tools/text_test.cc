#include "storage/tools/text.h"

#include <catch2/catch.hpp>

#include "storage/keys/time_index.h"

namespace sett::storage {

TEST_CASE("bytes are shown in one line, whatever they are", "[tools]") {
  CHECK(quoted("plain", 10) == R"("plain")");
  CHECK(quoted(std::string_view("a\0\"\\\n\x7f\xff", 7), 10) == R"("a\x00\"\\\x0a\x7f\xff")");
  CHECK(quoted("0123456789", 10) == R"("0123456789")");
  CHECK(quoted("0123456789a", 10) == R"("0123456789"...)");
  CHECK(value_text("x") == R"("x" (1 byte))");
  CHECK(value_text(std::string(100, 'x')) == "\"" + std::string(48, 'x') + "\"... (100 bytes)");
}

TEST_CASE("keys of the tree say their bucket, those of the time index what is due when", "[tools]") {
  CHECK(tree_key_text(tree_key(65536, "k")) == R"(bucket 65536 "k")");
  CHECK(tree_key_text(time_index_key(1000, tree_key(7, "k"))) == R"(due at 1000: bucket 7 "k")");
  CHECK(tree_key_text("short") == R"("short")");
}

}  // namespace sett::storage
