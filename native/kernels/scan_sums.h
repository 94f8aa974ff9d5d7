// What the backward passes of selective_scan and ssd share: blocks of states, and sums over channels and over time.
#pragma once

#include "kernels/scan_parts.h"
#include "simd/numbers.h"

namespace clew::CLEW_ISA {

// Calls run(block of states, first of them) for all states.
template <class Run>
CLEW_INLINE void each_block(int64_t states, Run run) {
    int64_t n = 0;
    for (; n + backward_block <= states; n += backward_block) run(Block<backward_block>{}, n);
    if constexpr (backward_block > 4)
        for (; n + 4 <= states; n += 4) run(Block<4>{}, n);
    for (; n < states; ++n) run(Block<1>{}, n);
}

// The sums over the task's channels, of a chunk; block after block, samples within, states within.
template <class T, class Scan>
CLEW_INLINE void write_sums(const Array& array, const T* terms, const Part<T, Scan>& here, const Pieces& pieces) {
    constexpr int W = width<T>;
    const Array& B = here.scan.B;
    const int64_t sample = (here.split * B.shape[0] + here.row) * B.shape[1] + pieces.first;
    each_block(here.states, [&](auto block, int64_t n) {
        constexpr int S = decltype(block)::states;
        T numbers[W];
        T* to = array.at<T>() + (sample * B.shape[2] + here.group) * here.states + n;
        for (int64_t i = 0; i < pieces.samples * S; i += W) {
            store(numbers, sums<T>(terms + (n * scan_chunk + i) * W));
            for (int64_t j = i; j < i + W && j < pieces.samples * S; ++j)
                to[j / S * B.shape[2] * here.states + j % S] = numbers[j - i];
        }
    });
}

// A strip's terms to its sums.
template <class T>
CLEW_INLINE void add_to_totals(T* sum, T* lost, const Vec<T>* terms) {
    CLEW_UNROLL for (int v = 0; v < vectors<T>; ++v) {
        Total<T> total{load(sum + v * width<T>), load(lost + v * width<T>)};
        total.add(terms[v]);
        store(sum + v * width<T>, total.value);
        store(lost + v * width<T>, total.lost);
    }
}

}  // namespace clew::CLEW_ISA
