#include "config/value_text.h"

#include <catch2/catch.hpp>
#include <limits>

#include "config/load.h"
#include "storage/base/random.h"

namespace sett::config {

TEST_CASE("sizes") {
  CHECK(parse_size("0") == 0);
  CHECK(parse_size("10485760") == 10485760);
  CHECK(parse_size("512k") == 512 << 10);
  CHECK(parse_size("512kb") == 512 << 10);
  CHECK(parse_size("64mb") == 64 << 20);
  CHECK(parse_size("64M") == 64 << 20);
  CHECK(parse_size("1Gb") == 1 << 30);
  CHECK(parse_size("9223372036854775807") == std::numeric_limits<int64_t>::max());
  CHECK(parse_size("8589934591g") == 8589934591ll << 30);
  for (const char* text : {"", "mb", "-1", "+1", " 1", "1 ", "1 mb", "1.5mb", "1t", "1b", "1mbb", "0x10",
                           "9223372036854775808", "8589934592g", "99999999999999999999999g"}) {
    INFO(text);
    CHECK(parse_size(text) == std::nullopt);
  }
}

TEST_CASE("durations") {
  CHECK(parse_duration_ms("5m") == 300000);
  CHECK(parse_duration_ms("1h30m") == 5400000);
  CHECK(parse_duration_ms("250ms") == 250);
  CHECK(parse_duration_ms("10S") == 10000);
  CHECK(parse_duration_ms("2d") == 172800000);
  CHECK(parse_duration_ms("1d2h3m4s5ms") == 93784005);
  CHECK(parse_duration_ms("0") == 0);
  CHECK(parse_duration_ms("0s") == 0);
  CHECK(parse_duration_ms("300") == 300000);
  CHECK(parse_duration_ms("300", 1) == 300);
  CHECK(parse_duration_ms("106751991167d") == 106751991167ll * 86400000);
  for (const char* text : {"", "m", "-5m", "+5m", "5 m", "5m ", "5x", "1.5h", "30m1h", "5m5m", "1h30",
                           "9223372036854775807", "106751991168d", "106751991167d100h", "9223372036854775808ms"}) {
    INFO(text);
    CHECK(parse_duration_ms(text) == std::nullopt);
  }
}

TEST_CASE("truth values, ratios, permissions, whole numbers, lists") {
  CHECK(parse_boolean("true") == true);
  CHECK(parse_boolean("Yes") == true);
  CHECK(parse_boolean("ON") == true);
  CHECK(parse_boolean("false") == false);
  CHECK(parse_boolean("no") == false);
  CHECK(parse_boolean("1") == std::nullopt);
  CHECK(parse_boolean("") == std::nullopt);

  CHECK(parse_ratio("0.5") == 0.5);
  CHECK(parse_ratio(".5") == 0.5);
  CHECK(parse_ratio("1") == 1.0);
  for (const char* text : {"", "-0.5", "nan", "inf", "0.5x", "half", " 0.5", "1e2", "."}) {
    INFO(text);
    CHECK(parse_ratio(text) == std::nullopt);
  }

  CHECK(parse_permission("700") == 0700);
  CHECK(parse_permission("0755") == 0755);
  CHECK(parse_permission("799") == std::nullopt);
  CHECK(parse_permission("-700") == std::nullopt);
  CHECK(parse_permission("rwx") == std::nullopt);

  CHECK(parse_integer("-5") == -5);
  CHECK(parse_integer("5k") == std::nullopt);
  CHECK(parse_integer("") == std::nullopt);
  CHECK(parse_integer("9223372036854775808") == std::nullopt);

  CHECK(split_list("a, b c,,d ") == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(split_list(" , ").empty());
}

TEST_CASE("values are written in a form that reads back the same") {
  CHECK(format_size(0) == "0");
  CHECK(format_size(1) == "1");
  CHECK(format_size(10485760) == "10mb");
  CHECK(format_size(1073741823) == "1073741823");
  CHECK(format_size(1ll << 30) == "1gb");
  CHECK(format_duration_ms(0) == "0");
  CHECK(format_duration_ms(300000) == "5m");
  CHECK(format_duration_ms(90000) == "90s");
  CHECK(format_duration_ms(1001) == "1001ms");
  CHECK(format_ratio(0.5) == "0.5");
  CHECK(format_permission(0700) == "700");
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    INFO("seed " << seed);
    storage::Random random(seed);
    const auto number = static_cast<int64_t>(random.next() >> (1 + random.below(62))) & -(1ll << random.below(30));
    REQUIRE(parse_size(format_size(number)) == number);
    REQUIRE(parse_duration_ms(format_duration_ms(number)) == number);
  }
}

TEST_CASE("quoted text stays on one line") {
  CHECK(quoted("a\nb\x1b[0m\x7f") == "'a?b?[0m?'");
  CHECK(quoted(std::string(100, 'x')) == "'" + std::string(60, 'x') + "...'");
}

}  // namespace sett::config
