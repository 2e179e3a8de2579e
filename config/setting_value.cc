// How a row of settings_table.h reads and writes its value.
#include <algorithm>

#include "config/load.h"
#include "config/settings_table.h"
#include "config/value_text.h"

namespace sett::config {
namespace {

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string joined(std::span<const std::string_view> names) {
  std::string out;
  for (const std::string_view name : names) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

// The numeric kinds with a range: how they are called in messages, read and written.
struct NumberKind {
  const char* what;
  std::optional<int64_t> (*parse)(std::string_view);
  std::string (*format)(int64_t);
};

NumberKind number_kind(Kind kind) {
  switch (kind) {
    case Kind::size:
      return {"a size", parse_size, format_size};
    case Kind::duration:
      return {"a duration", [](std::string_view text) { return parse_duration_ms(text); }, format_duration_ms};
    case Kind::permission:
      return {"an octal number", parse_permission, format_permission};
    default:
      return {"a whole number", parse_integer, [](int64_t value) { return std::to_string(value); }};
  }
}

std::optional<std::string> assign_number(const SettingRow& row, std::string_view text, Options& options) {
  const NumberKind kind = number_kind(row.kind);
  const std::optional<int64_t> value = kind.parse(text);
  if (!value) return quoted(text) + " is not " + kind.what;
  if (*value < row.lowest || *value > row.highest) return quoted(text) + " is out of range";
  *std::get<int64_t*>(row.write(options)) = *value;
  return std::nullopt;
}

std::optional<std::string> assign_ratio(const SettingRow& row, std::string_view text, Options& options) {
  const std::optional<double> value = parse_ratio(text);
  if (!value) return quoted(text) + " is not a decimal number";
  const double lowest = static_cast<double>(row.lowest) / 100, highest = static_cast<double>(row.highest) / 100;
  if (*value < lowest || *value > highest) return quoted(text) + " is out of range";
  *std::get<double*>(row.write(options)) = *value;
  return std::nullopt;
}

}  // namespace

std::optional<std::string> backend_problem(std::string_view name) {
  if (contains(served_backends(), name)) return std::nullopt;
  return "unknown backend " + quoted(name);
}

std::optional<std::string> assign(const SettingRow& row, std::string_view text, Options& options) {
  switch (row.kind) {
    case Kind::boolean: {
      const std::optional<bool> value = parse_boolean(text);
      if (!value) return quoted(text) + " is not a truth value";
      *std::get<bool*>(row.write(options)) = *value;
      return std::nullopt;
    }
    case Kind::integer:
    case Kind::size:
    case Kind::duration:
    case Kind::permission:
      return assign_number(row, text, options);
    case Kind::ratio:
      return assign_ratio(row, text, options);
    case Kind::list:
      return assign_list(row, split_list(text), options);
    case Kind::backend:
      if (std::optional<std::string> problem = backend_problem(text)) return problem;
      break;
    case Kind::choice:
      if (!contains(row.choices, text)) return "unknown " + std::string(row.key()) + " " + quoted(text);
      break;
    case Kind::text:
      if (text.find('\0') != std::string_view::npos) return "holds a zero byte";
      break;
  }
  *std::get<std::string*>(row.write(options)) = text;
  return std::nullopt;
}

std::optional<std::string> assign_list(const SettingRow& row, std::vector<std::string> items, Options& options) {
  for (const std::string& item : items) {
    if (item.empty() || split_list(item) != std::vector<std::string>{item}) return quoted(item) + " is not one item";
  }
  *std::get<std::vector<std::string>*>(row.write(options)) = std::move(items);
  return std::nullopt;
}

std::string value_text(const SettingRow& row, const Options& options) {
  const ConstMember member = row.read(options);
  if (const auto* value = std::get_if<const bool*>(&member)) return **value ? "true" : "false";
  if (const auto* value = std::get_if<const double*>(&member)) return format_ratio(**value);
  if (const auto* value = std::get_if<const int64_t*>(&member)) return number_kind(row.kind).format(**value);
  if (const auto* value = std::get_if<const std::string*>(&member)) return **value;
  std::string out;
  for (const std::string& item : *std::get<const std::vector<std::string>*>(member)) {
    if (!out.empty()) out += ' ';
    out += item;
  }
  return out;
}

std::string allowed_text(const SettingRow& row) {
  switch (row.kind) {
    case Kind::boolean:
      return "true or false";
    case Kind::integer:
    case Kind::size:
    case Kind::duration:
    case Kind::permission: {
      const NumberKind kind = number_kind(row.kind);
      return kind.format(row.lowest) + ".." + kind.format(row.highest) +
             (row.kind == Kind::permission ? ", octal" : "");
    }
    case Kind::ratio:
      return format_ratio(static_cast<double>(row.lowest) / 100) + ".." +
             format_ratio(static_cast<double>(row.highest) / 100);
    case Kind::choice:
    case Kind::backend:
      return joined(row.choices);
    case Kind::text:
      return "a text";
    case Kind::list:
      return "a list, or a text with commas or spaces";
  }
  return "";
}

}  // namespace sett::config
