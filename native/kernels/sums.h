// Sums along one axis, in the same order whatever the number of threads is.
#pragma once

#include "core/array.h"
#include "core/isa.h"

namespace clew {

// `from` is (outer, summed, inner) and `to` (outer, inner), both without gaps, float32 or float64.
struct SumOver {
    Array from, to;
    int threads;
};

CLEW_KERNEL(sum_over, SumOver)

}  // namespace clew
