#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sett::protocol {

// Appends replies to a buffer in RESP2 or RESP3. A type that RESP2 lacks is written as Redis writes it there: map and
// set as arrays, double and big number as bulk strings, boolean as an integer, verbatim as a bulk string, null as
// "$-1". Writes bytes, checks nothing: the caller sees to it that an array of n has n elements. The buffer must outlive
// the writer.
class ReplyWriter {
 public:
  enum class Version : uint8_t { resp2 = 2, resp3 = 3 };

  explicit ReplyWriter(std::string& out, Version version = Version::resp2) : out_(&out), version_(version) {}

  Version version() const { return version_; }
  void set_version(Version version) { version_ = version; }
  std::string& buffer() { return *out_; }

  void simple(std::string_view text);  // "+text": text without CR and LF
  void ok() { simple("OK"); }
  void error(std::string_view text);  // "-text": CR and LF in it become spaces, as in Redis
  void integer(int64_t value);
  void bulk(std::string_view bytes);
  void null();        // "$-1" or "_"
  void null_array();  // "*-1" or "_"
  void array(size_t elements);
  void map(size_t pairs);  // RESP2: an array of 2 * pairs
  void set(size_t elements);
  void push(size_t elements);                // RESP2: an array
  void boolean(bool value);                  // RESP2: :1 or :0
  void number(double value);                 // RESP2: bulk; 17 significant digits, "inf", "-inf", "nan"
  void big_number(std::string_view digits);  // RESP2: bulk
  void verbatim(std::string_view format, std::string_view text);  // format of three letters; RESP2: bulk
  void raw(std::string_view bytes) { out_->append(bytes); }

  // For collections whose size is known only at the end: take a mark, write the elements, then insert the header before
  // them. Costs a move of what was written since the mark.
  size_t mark() const { return out_->size(); }
  void insert_array(size_t mark, size_t elements);
  void insert_map(size_t mark, size_t pairs);

 private:
  void header(char type, int64_t value);
  std::string* out_;
  Version version_;
};

}  // namespace sett::protocol
