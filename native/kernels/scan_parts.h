// What selective_scan and ssd share: the part of a task, where sequences begin, rows of samples.
#pragma once

#include <type_traits>

#include "core/array.h"
#include "kernels/scan_chunk.h"
#include "simd/room.h"
#include "simd/strip.h"

namespace clew::CLEW_ISA {

// States that are held in registers at a time.
constexpr int forward_block = 8;
constexpr int backward_block = registers >= 32 ? 8 : 4;

template <bool value>
struct Flag {
    static constexpr bool is = value;
};

template <int S>
struct Block {
    static constexpr int states = S;
};

// What a task works on: some strips of channels of one group in one row. A group has units of channels, in each of
// which strips begin anew; a task has whole units if the scan says so.
template <class T, class Scan>
struct Part {
    const Scan& scan;
    int64_t split, group, row, first, strips, states;

    CLEW_INLINE Part(const Scan& scan, int64_t index) : scan(scan), states(scan.states()) {
        split = index % scan.splits;
        group = index / scan.splits % scan.groups();
        row = index / scan.splits / scan.groups();
        first = begin(scan, split);
        strips = begin(scan, split + 1) - first;
    }
    static CLEW_INLINE int64_t strips_of_unit(const Scan& scan) { return CLEW_ISA::strips<T>(scan.unit()); }
    static CLEW_INLINE int64_t strips_of_group(const Scan& scan) {
        return scan.channels_of_group() / scan.unit() * strips_of_unit(scan);
    }
    // The strip of the group that a split begins with.
    static CLEW_INLINE int64_t begin(const Scan& scan, int64_t split) {
        const int64_t together = Scan::whole_units ? strips_of_unit(scan) : 1;
        return split * (strips_of_group(scan) / together) / scan.splits * together;
    }
    // The most strips that a task has.
    static CLEW_INLINE int64_t most_strips(const Scan& scan) {
        const int64_t together = Scan::whole_units ? strips_of_unit(scan) : 1;
        return (strips_of_group(scan) / together + scan.splits - 1) / scan.splits * together;
    }
    static CLEW_INLINE int64_t tasks(const Scan& scan) { return scan.x.shape[0] * scan.groups() * scan.splits; }

    // The first channel of the task's strip, and how many it has, at most lanes<T>.
    CLEW_INLINE int64_t channel(int64_t strip) const {
        const int64_t unit = (first + strip) / strips_of_unit(scan), within = (first + strip) % strips_of_unit(scan);
        return group * scan.channels_of_group() + unit * scan.unit() + within * lanes<T>;
    }
    CLEW_INLINE int64_t count(int64_t strip) const {
        const int64_t left = scan.unit() - (first + strip) % strips_of_unit(scan) * lanes<T>;
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
    int64_t first, samples, count, end[scan_chunk];
    bool starts;

    template <class Scan>
    CLEW_INLINE Pieces(const Scan& scan, int64_t row, int64_t chunk) {
        const Array& reset = scan.reset;
        first = chunk * scan_chunk;
        const int64_t left = scan.x.shape[1] - first;
        samples = left < scan_chunk ? left : scan_chunk;
        starts = reset.given() && *reset.at<bool>(row, first);
        count = 0;
        if (reset.given())
            for (int64_t k = 1; k < samples; ++k)
                if (*reset.at<bool>(row, first + k)) end[count++] = k;
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

// A strip's samples of one chunk, rows of channels: where the signal has them, or in a copy of lanes<T> a row.
template <class T>
struct Lines {
    T* first;
    int64_t stride;
    CLEW_INLINE T* at(int64_t place) const { return first + place / lanes<T> * stride + place % lanes<T>; }
};

// Whether a signal of X has them as a kernel wants them: numbers of T, as many as there are lanes.
template <class X, class T, class Scan>
CLEW_INLINE bool in_place(const Part<T, Scan>& here, int64_t strip) {
    return std::is_same_v<X, T> && here.count(strip) >= lanes<T>;
}

// To be read; `copy` is room for them.
template <class X, class T, class Scan>
CLEW_INLINE Lines<const T> lines_of(const Array& signal, T* copy, const Part<T, Scan>& here, int64_t strip,
                                    const Pieces& pieces) {
    const X* from = signal.at<const X>(here.row, pieces.first, here.channel(strip));
    if constexpr (std::is_same_v<X, T>)
        if (in_place<X>(here, strip)) return {from, signal.stride[1]};
    stage<T>(copy, from, signal.stride[1], pieces.samples, here.count(strip));
    return {copy, lanes<T>};
}

// To be written; bring_back does what is left to do after.
template <class X, class T, class Scan>
CLEW_INLINE Lines<T> lines_for(const Array& signal, T* copy, const Part<T, Scan>& here, int64_t strip,
                               const Pieces& pieces) {
    if constexpr (std::is_same_v<X, T>)
        if (in_place<X>(here, strip))
            return {signal.at<T>(here.row, pieces.first, here.channel(strip)), signal.stride[1]};
    return {copy, lanes<T>};
}

template <class X, class T, class Scan>
CLEW_INLINE void unstage_signal(const Array& signal, const T* rows, const Part<T, Scan>& here, int64_t strip,
                                const Pieces& pieces) {
    unstage<T>(signal.at<X>(here.row, pieces.first, here.channel(strip)), signal.stride[1], rows, pieces.samples,
               here.count(strip));
}

template <class X, class T, class Scan>
CLEW_INLINE void bring_back(const Array& signal, const T* copy, const Part<T, Scan>& here, int64_t strip,
                            const Pieces& pieces) {
    if (!in_place<X>(here, strip)) unstage_signal<X>(signal, copy, here, strip, pieces);
}

// Calls run(place, v) for each vector of a chunk's rows, v its number in the strip.
template <class T, class Run>
CLEW_INLINE void each_vector(int64_t samples, Run run) {
    for (int64_t k = 0; k < samples; ++k)
        CLEW_UNROLL for (int v = 0; v < vectors<T>; ++v) run(k * lanes<T> + v * width<T>, v);
}

}  // namespace clew::CLEW_ISA
