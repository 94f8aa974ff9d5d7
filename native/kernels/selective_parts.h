// What both directions of selective_scan share: the part of a task, where sequences begin, rows of samples.
#pragma once

#include "kernels/selective_scan.h"
#include "simd/functions.h"
#include "simd/room.h"
#include "simd/strip.h"

namespace clew::CLEW_ISA {

// States that are held in registers at a time.
constexpr int forward_block = 8;
constexpr int backward_block = registers >= 32 ? 8 : 4;

template <int S>
struct Block {
    static constexpr int states = S;
};

// What a task works on: some strips of channels of one group in one row.
template <class T>
struct Part {
    const SelectiveScan& scan;
    int64_t split, group, row, first, strips, states;

    CLEW_INLINE Part(const SelectiveScan& scan, int64_t index) : scan(scan), states(scan.states()) {
        split = index % scan.splits;
        group = index / scan.splits % scan.groups();
        row = index / scan.splits / scan.groups();
        const int64_t all = strips_of_group(scan);
        first = split * all / scan.splits;
        strips = (split + 1) * all / scan.splits - first;
    }
    static CLEW_INLINE int64_t strips_of_group(const SelectiveScan& scan) {
        return CLEW_ISA::strips<T>(scan.channels_of_group());
    }
    // The most strips that a task has.
    static CLEW_INLINE int64_t most_strips(const SelectiveScan& scan) {
        return (strips_of_group(scan) + scan.splits - 1) / scan.splits;
    }
    static CLEW_INLINE int64_t tasks(const SelectiveScan& scan) {
        return scan.x.shape[0] * scan.groups() * scan.splits;
    }

    // The first channel of the task's strip, and how many it has, at most lanes<T>.
    CLEW_INLINE int64_t channel(int64_t strip) const {
        return group * scan.channels_of_group() + (first + strip) * lanes<T>;
    }
    CLEW_INLINE int64_t count(int64_t strip) const {
        const int64_t left = scan.channels_of_group() - (first + strip) * lanes<T>;
        return left < lanes<T> ? left : lanes<T>;
    }
    // Where the states before a chunk are kept.
    CLEW_INLINE T* kept(const Array& saved, int64_t chunk, int64_t strip) const {
        const int64_t place = (row * scan.chunks() + chunk) * scan.groups() + group;
        return saved.at<T>() + (place * strips_of_group(scan) + first + strip) * states * lanes<T>;
    }

    // (…, channel, state) of a strip to and from rows of channels, one for each state; missing is zero.
    CLEW_INLINE void read(T* rows, const Array& array, const T* from, int64_t stride, int64_t strip, T factor) const {
        for (int64_t n = 0; n < states; ++n)
            for (int64_t lane = 0; lane < lanes<T>; ++lane)
                rows[n * lanes<T> + lane] = array.given() && lane < count(strip) ? factor * from[lane * stride + n] : 0;
    }
    CLEW_INLINE void write(T* to, int64_t stride, const T* rows, int64_t strip) const {
        for (int64_t lane = 0; lane < count(strip); ++lane)
            for (int64_t n = 0; n < states; ++n) to[lane * stride + n] = rows[n * lanes<T> + lane];
    }
    // (…, channel) likewise.
    CLEW_INLINE void read(T* row, const Array& array, int64_t strip) const {
        for (int64_t lane = 0; lane < lanes<T>; ++lane)
            row[lane] = array.given() && lane < count(strip) ? *array.at<T>(channel(strip) + lane) : 0;
    }
};

// The samples of one chunk of a row in pieces: a new sequence begins with each but the first, and with the first
// where `starts`.
struct Pieces {
    int64_t first, samples, count, end[selective_chunk];
    bool starts;

    CLEW_INLINE Pieces(const SelectiveScan& scan, int64_t row, int64_t chunk) {
        first = chunk * selective_chunk;
        const int64_t left = scan.x.shape[1] - first;
        samples = left < selective_chunk ? left : selective_chunk;
        starts = scan.reset.given() && *scan.reset.at<bool>(row, first);
        count = 0;
        if (scan.reset.given())
            for (int64_t k = 1; k < samples; ++k)
                if (*scan.reset.at<bool>(row, first + k)) end[count++] = k;
        end[count++] = samples;
    }
    CLEW_INLINE int64_t begin(int64_t piece) const { return piece == 0 ? 0 : end[piece - 1]; }
    CLEW_INLINE bool forgets(int64_t piece) const { return piece > 0 || starts; }
};

// B or C of a chunk: a row of states for each sample.
template <class T, class X>
CLEW_INLINE void stage_matrix(T* rows, const Array& matrix, int64_t row, int64_t group, const Pieces& pieces) {
    const int64_t states = matrix.shape[3];
    for (int64_t k = 0; k < pieces.samples; ++k, rows += states) {
        const X* from = matrix.at<X>(row, pieces.first + k, group);
        for (int64_t n = 0; n < states; ++n) rows[n] = widen<T>(from[n]);
    }
}

template <class T, class X>
CLEW_INLINE void stage_signal(T* rows, const Array& signal, const Part<T>& here, int64_t strip, const Pieces& pieces) {
    stage<T>(rows, signal.at<const X>(here.row, pieces.first, here.channel(strip)), signal.stride[1], pieces.samples,
             here.count(strip));
}

template <class T, class X>
CLEW_INLINE void unstage_signal(const Array& signal, const T* rows, const Part<T>& here, int64_t strip,
                                const Pieces& pieces) {
    unstage<T>(signal.at<X>(here.row, pieces.first, here.channel(strip)), signal.stride[1], rows, pieces.samples,
               here.count(strip));
}

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
CLEW_INLINE Ahead<X> rows_of(const Array& signal, const Part<T>& here, int64_t strip, const Pieces& pieces) {
    return {signal.at<const X>(here.row, pieces.first, here.channel(strip)), signal.stride[1]};
}

// The rows of the strip that comes after: the next of the chunk, or the first of the chunk before or after it. At
// the task's end, its own once more.
template <class X, class T>
CLEW_INLINE Ahead<X> rows_after(const Array& signal, const Part<T>& here, int64_t strip, const Pieces& pieces,
                                int64_t direction) {
    const int64_t first = pieces.first + direction * selective_chunk;
    if (strip + 1 < here.strips) return rows_of<X>(signal, here, strip + 1, pieces);
    if (first < 0 || first + selective_chunk > here.scan.x.shape[1]) return rows_of<X>(signal, here, strip, pieces);
    return {signal.at<const X>(here.row, first, here.channel(0)), signal.stride[1]};
}

// Calls run(place, v) for each vector of a chunk's rows, v its number in the strip.
template <class T, class Run>
CLEW_INLINE void each_vector(int64_t samples, Run run) {
    for (int64_t k = 0; k < samples; ++k)
        CLEW_UNROLL for (int v = 0; v < vectors<T>; ++v) run(k * lanes<T> + v * width<T>, v);
}

}  // namespace clew::CLEW_ISA
