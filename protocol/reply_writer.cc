#include "protocol/reply_writer.h"

#include <charconv>

#include "protocol/number_text.h"

namespace sett::protocol {
namespace {

constexpr size_t header_bytes_max = 24;  // type, sign, 19 digits, CR, LF

// "<type><value>\r\n" into `out`; returns its length.
size_t format_header(char (&out)[header_bytes_max], char type, int64_t value) {
  out[0] = type;
  char* end;
  if (value >= 0 && value < 10) {
    out[1] = static_cast<char>('0' + value);
    end = out + 2;
  } else {
    end = std::to_chars(out + 1, out + header_bytes_max - 2, value).ptr;
  }
  *end++ = '\r';
  *end++ = '\n';
  return static_cast<size_t>(end - out);
}

}  // namespace

void ReplyWriter::header(char type, int64_t value) {
  char text[header_bytes_max];
  out_->append(text, format_header(text, type, value));
}

void ReplyWriter::simple(std::string_view text) {
  out_->push_back('+');
  out_->append(text);
  out_->append("\r\n", 2);
}

void ReplyWriter::error(std::string_view text) {
  // Redis cuts line ends off both ends before it replaces those within.
  const size_t first = text.find_first_not_of("\r\n");
  text = first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of("\r\n") + 1 - first);
  out_->push_back('-');
  const size_t start = out_->size();
  out_->append(text);
  for (size_t i = start; i < out_->size(); ++i) {
    if ((*out_)[i] == '\r' || (*out_)[i] == '\n') (*out_)[i] = ' ';
  }
  out_->append("\r\n", 2);
}

void ReplyWriter::integer(int64_t value) {
  header(':', value);
}

void ReplyWriter::bulk(std::string_view bytes) {
  header('$', static_cast<int64_t>(bytes.size()));
  // With room for what follows: else the line's end might double and move a large reply.
  constexpr size_t large_bytes_min = 64 * 1024;
  if (bytes.size() >= large_bytes_min) out_->reserve(out_->size() + bytes.size() + 2);
  out_->append(bytes);
  out_->append("\r\n", 2);
}

void ReplyWriter::null() {
  out_->append(version_ == Version::resp3 ? "_\r\n" : "$-1\r\n");
}

void ReplyWriter::null_array() {
  out_->append(version_ == Version::resp3 ? "_\r\n" : "*-1\r\n");
}

void ReplyWriter::array(size_t elements) {
  header('*', static_cast<int64_t>(elements));
}

void ReplyWriter::map(size_t pairs) {
  if (version_ == Version::resp3) {
    header('%', static_cast<int64_t>(pairs));
  } else {
    array(2 * pairs);
  }
}

void ReplyWriter::set(size_t elements) {
  header(version_ == Version::resp3 ? '~' : '*', static_cast<int64_t>(elements));
}

void ReplyWriter::push(size_t elements) {
  header(version_ == Version::resp3 ? '>' : '*', static_cast<int64_t>(elements));
}

void ReplyWriter::boolean(bool value) {
  if (version_ == Version::resp3) {
    out_->append(value ? "#t\r\n" : "#f\r\n");
  } else {
    integer(value ? 1 : 0);
  }
}

void ReplyWriter::number(double value) {
  const std::string text = format_double(value);
  if (version_ == Version::resp2) return bulk(text);
  out_->push_back(',');
  out_->append(text);
  out_->append("\r\n", 2);
}

void ReplyWriter::big_number(std::string_view digits) {
  if (version_ == Version::resp2) return bulk(digits);
  out_->push_back('(');
  out_->append(digits);
  out_->append("\r\n", 2);
}

void ReplyWriter::verbatim(std::string_view format, std::string_view text) {
  if (version_ == Version::resp2) return bulk(text);
  header('=', static_cast<int64_t>(format.size() + 1 + text.size()));
  out_->append(format);
  out_->push_back(':');
  out_->append(text);
  out_->append("\r\n", 2);
}

void ReplyWriter::insert_array(size_t mark, size_t elements) {
  char text[header_bytes_max];
  const size_t length = format_header(text, '*', static_cast<int64_t>(elements));
  out_->insert(mark, text, length);
}

void ReplyWriter::insert_map(size_t mark, size_t pairs) {
  const bool resp3 = version_ == Version::resp3;
  char text[header_bytes_max];
  const size_t length = format_header(text, resp3 ? '%' : '*', static_cast<int64_t>(resp3 ? pairs : 2 * pairs));
  out_->insert(mark, text, length);
}

}  // namespace sett::protocol
