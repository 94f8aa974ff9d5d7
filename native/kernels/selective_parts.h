// What both directions of selective_scan share, beside kernels/scan_parts.h: rows that are fetched ahead.
#pragma once

#include "kernels/scan_parts.h"
#include "kernels/selective_scan.h"
#include "simd/functions.h"

namespace clew::CLEW_ISA {

template <class T>
using SelectivePart = Part<T, SelectiveScan>;

// Rows of a signal that will be needed soon: they are far apart, so that the processor does not foresee them.
template <class X>
struct Ahead {
    const X* from;
    int64_t stride;
    CLEW_INLINE void fetch(int64_t k) const { __builtin_prefetch(from + k * stride); }
    CLEW_INLINE void fetch_to_write(int64_t k) const { __builtin_prefetch(from + k * stride, 1); }
};

// The strip's own rows.
template <class X, class T>
CLEW_INLINE Ahead<X> rows_of(const Array& signal, const SelectivePart<T>& here, int64_t strip, const Pieces& pieces) {
    return {signal.at<const X>(here.row, pieces.first, here.channel(strip)), signal.stride[1]};
}

// The rows of the strip that comes after: the next of the chunk, or the first of the chunk before or after it. At
// the task's end, its own once more.
template <class X, class T>
CLEW_INLINE Ahead<X> rows_after(const Array& signal, const SelectivePart<T>& here, int64_t strip, const Pieces& pieces,
                                int64_t direction) {
    const int64_t first = pieces.first + direction * scan_chunk;
    if (strip + 1 < here.strips) return rows_of<X>(signal, here, strip + 1, pieces);
    if (first < 0 || first + scan_chunk > here.scan.x.shape[1]) return rows_of<X>(signal, here, strip, pieces);
    return {signal.at<const X>(here.row, first, here.channel(0)), signal.stride[1]};
}

}  // namespace clew::CLEW_ISA
