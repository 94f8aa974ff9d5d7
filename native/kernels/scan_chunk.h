// What selective_scan and ssd share, for kernels and for their callers.
#pragma once

#include <cstdint>

namespace clew {

// Samples from one saved state to the next, in selective_scan and ssd.
constexpr int64_t scan_chunk = 32;

}  // namespace clew
