#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace sett::server {

// Builds what INFO answers: sections with "name:value" lines.
class InfoText {
 public:
  void section(std::string_view title) {
    if (!text_.empty()) text_ += "\r\n";
    text_.append("# ").append(title).append("\r\n");
  }
  void field(std::string_view name, std::string_view value) {
    text_.append(name).append(":").append(value).append("\r\n");
  }
  // A truth is said in words or digits: 0 or 1, ok or err, yes or no.
  template <typename Number>
  requires(std::is_integral_v<Number> && !std::is_same_v<Number, bool>) void field(std::string_view name,
                                                                                   Number value) {
    field(name, std::string_view(std::to_string(value)));
  }
  void decimal(std::string_view name, double value, int digits);
  void bytes_for_humans(std::string_view name, uint64_t bytes);  // 1.76M
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace sett::server
