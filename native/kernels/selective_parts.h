// What both directions of selective_scan share, beside kernels/scan_parts.h: rows that are fetched ahead, and whether
// the exponents of a chunk are bounded.
#pragma once

#include "kernels/scan_parts.h"
#include "kernels/selective_scan.h"
#include "simd/functions.h"

namespace clew::CLEW_ISA {

template <class T>
using SelectivePart = Part<T, SelectiveScan>;

// The strip's own rows.
template <class X, class T>
CLEW_INLINE Ahead<X> rows_of(const Array& signal, const SelectivePart<T>& here, int64_t strip, const Pieces& pieces) {
    const X* first = signal.at<const X>(here.row, pieces.first, here.channel(strip));
    return Ahead<X>::template of<T>(first, signal.stride[1]);
}

// The rows of the strip that comes after: the next of the chunk, or the first of the chunk before or after it. At
// the task's end, its own once more.
template <class X, class T>
CLEW_INLINE Ahead<X> rows_after(const Array& signal, const SelectivePart<T>& here, int64_t strip, const Pieces& pieces,
                                int64_t direction) {
    const int64_t first = pieces.first + direction * scan_chunk;
    if (strip + 1 < here.strips) return rows_of<X>(signal, here, strip + 1, pieces);
    if (first < 0 || first + scan_chunk > here.scan.x.shape[1]) return rows_of<X>(signal, here, strip, pieces);
    return Ahead<X>::template of<T>(signal.at<const X>(here.row, first, here.channel(0)), signal.stride[1]);
}

// The largest |A| of each channel, over the states.
template <class T>
CLEW_INLINE void largest_of_states(T* row, const T* A, int64_t states) {
    CLEW_UNROLL for (int v = 0; v < vectors<T>; ++v) {
        Vec<T> most = zero<T>();
        for (int64_t n = 0; n < states; ++n) most = maximum(magnitude<T>(load(A + n * lanes<T> + v * width<T>)), most);
        store(row + v * width<T>, most);
    }
}

// Whether every product is known to be below the bound of exp2_of_product: of the largest |Δ| of a chunk's samples,
// for each channel, and the largest |A|.
template <class T>
CLEW_INLINE bool bounded(const Vec<T>* delta, const T* A) {
    T products[lanes<T>];
    CLEW_UNROLL for (int v = 0; v < vectors<T>; ++v) store(products + v * width<T>, delta[v] * load(A + v * width<T>));
    bool all = true;
    for (const T product : products) all &= product < exp2_bound<T>;
    return all;
}

}  // namespace clew::CLEW_ISA
