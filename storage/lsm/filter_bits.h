#pragma once

#include <string_view>

#include "storage/lsm/version.h"
#include "storage/table/table_writer.h"

namespace sett::storage {

// More bits for the filters of what lies over other tables. All upper levels together are a tenth or so of the data,
// but a key that is nowhere is looked for in each of them: bits there cost least for what they save (Dayan,
// Athanassoulis, Idreos: Monkey, 2017).
inline constexpr double upper_filter_bits = 8;

// `options` as they are for a table of this level that begins with this key; the version is the one that it is written
// for, its bits per key are those of the deepest level. Whether something lies below is judged by that key alone:
// rarely wrong, and then it costs reads, no more.
TableOptions options_in_level(TableOptions options, const Version& version, int level, std::string_view first_key);

}  // namespace sett::storage
