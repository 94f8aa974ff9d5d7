// A strip: 64 bytes of channels, one line of cache, whatever the instruction set; some samples of a strip are
// copied to aligned rows that stay in L1 while a kernel passes over them many times. Here the ends of the
// channels, strides over time and 16-bit numbers are dealt with; a kernel sees full vectors of T.
#pragma once

#include "simd/narrow.h"
#include "simd/vector.h"

namespace clew::CLEW_ISA {

template <class T>
constexpr int lanes = 64 / sizeof(T);  // channels in a strip

template <class T>
constexpr int vectors = lanes<T> / width<T>;  // vectors in a strip

template <class T>
constexpr int64_t strips(int64_t channels) {
    return (channels + lanes<T> - 1) / lanes<T>;
}

template <class To, class From>
struct Row {  // to or from 16 bits
    static CLEW_INLINE void copy(To* to, const From* from) {
        for (int lane = 0; lane < lanes<float>; ++lane) to[lane] = Narrow<To>::from(widen<float>(from[lane]));
    }
};

template <class T>
struct Row<T, T> {
    static CLEW_INLINE void copy(T* to, const T* from) {
        CLEW_UNROLL for (int v = 0; v < vectors<T>; ++v) store(to + v * width<T>, load(from + v * width<T>));
    }
};

// Rows of a strip that will be needed soon: they are far apart, so that the processor does not foresee them. They come
// to L2, for in L1 such rows push one another out. Where a row begins within a line of cache it ends in the next one,
// which is asked for: the strip before has brought the first.
template <class X>
struct Ahead {
    const X* end;  // the last number of row 0
    int64_t stride;
    template <class T>
    static CLEW_INLINE Ahead of(const X* first, int64_t stride) {
        return {first + lanes<T> - 1, stride};
    }
    CLEW_INLINE void fetch(int64_t k) const { __builtin_prefetch(end + k * stride, 0, 2); }
};

template <class T, class X>
CLEW_INLINE void fetch_rows(const X* first, int64_t stride, int64_t rows) {
    const Ahead<X> ahead = Ahead<X>::template of<T>(first, stride);
    for (int64_t k = 0; k < rows; ++k) ahead.fetch(k);
}

// Samples of a strip to rows of lanes<T> numbers; zero beyond the `count` channels that there are.
template <class T, class From>
CLEW_INLINE void stage(T* rows, const From* from, int64_t stride, int64_t samples, int64_t count) {
    if (count >= lanes<T>) {
        for (int64_t k = 0; k < samples; ++k, rows += lanes<T>, from += stride) Row<T, From>::copy(rows, from);
        return;
    }
    for (int64_t k = 0; k < samples; ++k, rows += lanes<T>, from += stride) {
        for (int lane = 0; lane < lanes<T>; ++lane) rows[lane] = 0;
        for (int64_t lane = 0; lane < count; ++lane) rows[lane] = widen<T>(from[lane]);
    }
}

// And back.
template <class T, class To>
CLEW_INLINE void unstage(To* to, int64_t stride, const T* rows, int64_t samples, int64_t count) {
    if (count >= lanes<T>) {
        for (int64_t k = 0; k < samples; ++k, rows += lanes<T>, to += stride) Row<To, T>::copy(to, rows);
        return;
    }
    for (int64_t k = 0; k < samples; ++k, rows += lanes<T>, to += stride)
        for (int64_t lane = 0; lane < count; ++lane) to[lane] = Narrow<To>::from(rows[lane]);
}

// Zeros in the place of samples.
template <class To>
CLEW_INLINE void blank(To* to, int64_t stride, int64_t samples, int64_t count) {
    for (int64_t k = 0; k < samples; ++k, to += stride)
        for (int64_t lane = 0; lane < count; ++lane) to[lane] = To{};
}

// Complex numbers (channel, pairs) of a strip, `stride` complex numbers from channel to channel, to rows: real
// parts of pair 0, imaginary parts of pair 0, real parts of pair 1, …
template <class T>
CLEW_INLINE void stage_pairs(T* rows, const T* from, int64_t stride, int64_t pairs, int64_t count) {
    for (int64_t p = 0; p < pairs; ++p, rows += 2 * lanes<T>)
        for (int64_t lane = 0; lane < lanes<T>; ++lane) {
            const T* number = from + 2 * (lane * stride + p);
            rows[lane] = lane < count ? number[0] : T{0};
            rows[lanes<T> + lane] = lane < count ? number[1] : T{0};
        }
}

// And back.
template <class T>
CLEW_INLINE void unstage_pairs(T* to, int64_t stride, const T* rows, int64_t pairs, int64_t count) {
    for (int64_t p = 0; p < pairs; ++p, rows += 2 * lanes<T>)
        for (int64_t lane = 0; lane < count; ++lane) {
            T* number = to + 2 * (lane * stride + p);
            number[0] = rows[lane];
            number[1] = rows[lanes<T> + lane];
        }
}

}  // namespace clew::CLEW_ISA
