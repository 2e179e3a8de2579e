#include "protocol/number_text.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

#include "storage/base/random.h"

namespace sett::protocol {
namespace {

using Limits = std::numeric_limits<long double>;

}  // namespace

TEST_CASE("integers are read strictly") {
  CHECK(parse_int64("0") == 0);
  CHECK(parse_int64("7") == 7);
  CHECK(parse_int64("-1") == -1);
  CHECK(parse_int64("9223372036854775807") == std::numeric_limits<int64_t>::max());
  CHECK(parse_int64("-9223372036854775808") == std::numeric_limits<int64_t>::min());
  for (const char* text : {"", "-", "+1", "-0", "00", "01", "-01", " 1", "1 ", "1a", "a", "1.0", "0x1", "--1",
                           "9223372036854775808", "-9223372036854775809", "92233720368547758070"}) {
    INFO(text);
    CHECK(parse_int64(text) == std::nullopt);
  }
  CHECK(parse_int64(std::string_view("1\0", 2)) == std::nullopt);

  CHECK(parse_uint64("0") == 0);
  CHECK(parse_uint64("18446744073709551615") == std::numeric_limits<uint64_t>::max());
  for (const char* text : {"", "-1", "-0", "01", "18446744073709551616", "+1", " 1", "1 "}) {
    INFO(text);
    CHECK(parse_uint64(text) == std::nullopt);
  }
}

TEST_CASE("random integers go round") {
  for (uint64_t seed = 1; seed <= 5000; ++seed) {
    INFO("seed " << seed);
    storage::Random random(seed);
    const uint64_t number = random.next() >> random.below(64);
    REQUIRE(parse_uint64(std::to_string(number)) == number);
    const auto as_signed = static_cast<int64_t>(number) * (random.one_in(2) ? 1 : -1);
    REQUIRE(parse_int64(std::to_string(as_signed)) == as_signed);
  }
}

TEST_CASE("long doubles are read as Redis reads them") {
  CHECK(parse_long_double("3") == 3.0L);
  CHECK(parse_long_double("-3.5e2") == -350.0L);
  CHECK(parse_long_double("+1") == 1.0L);
  CHECK(parse_long_double(".5") == 0.5L);
  CHECK(parse_long_double("5.") == 5.0L);
  CHECK(parse_long_double("0x1p3") == 8.0L);
  CHECK(parse_long_double("inf") == Limits::infinity());
  CHECK(parse_long_double("-Infinity") == -Limits::infinity());
  CHECK(parse_long_double("1e-4940").has_value());  // a denormal is a number
  for (const char* text : {"", " 1", "\t1", "\v1", "1 ", "1x", "x", "nan", "-nan", "nan(1)", "1e5000", "-1e5000",
                           "1e-5000", "1,5", "--1", "e5", "."}) {
    INFO(text);
    CHECK(parse_long_double(text) == std::nullopt);
  }
  CHECK(parse_long_double(std::string_view("1\0", 2)) == std::nullopt);
  CHECK(parse_long_double(std::string_view("1\0002", 3)) == std::nullopt);
  CHECK(parse_long_double(std::string(5119, '1')) == std::nullopt);  // overflows
  CHECK(parse_long_double(std::string(5118, '0') + "1") == 1.0L);
  CHECK(parse_long_double(std::string(5119, '0') + "1") == std::nullopt);  // too long for Redis
}

TEST_CASE("long doubles are written for people") {
  CHECK(format_long_double(3.0L) == "3");
  CHECK(format_long_double(10.5L) == "10.5");
  CHECK(format_long_double(100.0L) == "100");
  CHECK(format_long_double(0.0L) == "0");
  CHECK(format_long_double(-0.0L) == "0");
  CHECK(format_long_double(-1e-30L) == "0");
  CHECK(format_long_double(0.1L) == "0.1");
  CHECK(format_long_double(-5000.25L) == "-5000.25");
  CHECK(format_long_double(1.0L / 3) == "0.33333333333333333");
  CHECK(format_long_double(Limits::infinity()) == "inf");
  CHECK(format_long_double(-Limits::infinity()) == "-inf");
  CHECK(format_long_double(Limits::max()).size() > 4900);
}

TEST_CASE("random long doubles go round within what is written") {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    INFO("seed " << seed);
    storage::Random random(seed);
    const long double number = static_cast<long double>(static_cast<int64_t>(random.next())) / 1048576;
    const auto read = parse_long_double(format_long_double(number));
    REQUIRE(read.has_value());
    REQUIRE(std::fabs(*read - number) <= 1e-17L + std::fabs(number) * Limits::epsilon());
  }
}

TEST_CASE("doubles are written so that they read back the same") {
  CHECK(format_double(1) == "1");
  CHECK(format_double(-0.0) == "-0");
  CHECK(format_double(1e100) == "1e+100");
  CHECK(format_double(std::numeric_limits<double>::infinity()) == "inf");
  CHECK(format_double(-std::numeric_limits<double>::infinity()) == "-inf");
  CHECK(format_double(std::nan("")) == "nan");
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    INFO("seed " << seed);
    storage::Random random(seed);
    const double number =
        std::ldexp(static_cast<double>(static_cast<int64_t>(random.next())), static_cast<int>(random.below(200)) - 100);
    REQUIRE(std::strtod(format_double(number).c_str(), nullptr) == number);
  }
}

TEST_CASE("case is folded in ASCII only") {
  CHECK(equals_ignoring_case("", ""));
  CHECK(equals_ignoring_case("GeT", "gEt"));
  CHECK_FALSE(equals_ignoring_case("get", "gets"));
  CHECK_FALSE(equals_ignoring_case("get", "gex"));
  CHECK_FALSE(equals_ignoring_case("@", "`"));
  CHECK_FALSE(equals_ignoring_case("[", "{"));
  CHECK_FALSE(equals_ignoring_case("\xc4", "\xe4"));
}

}  // namespace sett::protocol
