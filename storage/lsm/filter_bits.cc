#include "storage/lsm/filter_bits.h"

namespace sett::storage {

TableOptions options_in_level(TableOptions options, const Version& version, int level, std::string_view first_key) {
  if (version.may_hold_below(level, first_key)) options.filter_bits_per_key += upper_filter_bits;
  return options;
}

}  // namespace sett::storage
