// Ā or B̄ given for each sample. Each of their numbers is used once, so memory is the limit, and the vectors run
// along it: across the pairs of a channel. A task takes some channels of a row, whose states stay in L1.
//
// Backward: with λ[k] the gradient of everything by h[k],
//     λ[k] = 2 conj(C) g[k] + conj(Ā[k+1]) λ[k+1],   dĀ[k] = λ[k] conj(h[k−1]),   dB̄[k] = λ[k] x[k],
//     dC = 2 Σ g[k] conj(h[k]),   dx[k] = Re Σ conj(B̄[k]) λ[k] + D g[k],
// summed over time for the one of Ā and B̄ that is constant. The states of a chunk are computed again.
#pragma once

#include "core/memory.h"
#include "core/threads.h"
#include "kernels/diagonal_parts.h"
#include "simd/numbers.h"

namespace clew::CLEW_ISA {

// Where the work of a task is, and how much: `channels` channels from `first` on, each `vectors` vectors of pairs.
template <class T>
struct Channels {
    const DiagonalSystem& system;
    int64_t first, channels, pairs, vectors;

    CLEW_INLINE int64_t size() const { return channels * vectors; }

    // For each vector of pairs: its place among the task's, its channel, its first pair, how many there are.
    template <class Run>
    CLEW_INLINE void each(Run run) const {
        for (int64_t c = 0; c < channels; ++c)
            for (int64_t v = 0; v < vectors; ++v)
                run(c * vectors + v, c, v * width<T>, pairs - v * width<T>);
    }

    // Numbers (…, channel, pairs) to and from vectors; `array` starts at the row, or row and sample, wanted.
    CLEW_INLINE void read(Complex<T>* to, const T* from, int64_t stride) const {
        each([&](int64_t i, int64_t c, int64_t p, int64_t count) {
            to[i] = load_complex(from + 2 * ((first + c) * stride + p), count);
        });
    }
    CLEW_INLINE void write(T* to, int64_t stride, const Complex<T>* from) const {
        each([&](int64_t i, int64_t c, int64_t p, int64_t count) {
            store_complex(to + 2 * ((first + c) * stride + p), from[i], count);
        });
    }
};

// Ā or B̄: read from the tensor at each sample where it varies, kept where it is constant.
template <bool Varying, class T>
struct Parameter {
    const Array& array;
    const Complex<T>* constant;
    const T* sample = nullptr;
    int64_t stride = 0;

    CLEW_INLINE void move_to(int64_t row, int64_t k) {
        if (!Varying) return;
        sample = array.complex_at<T>(row, k);
        stride = array.stride[2];
    }
    CLEW_INLINE Complex<T> at(int64_t i, int64_t channel, int64_t p, int64_t count) const {
        return Varying ? load_complex(sample + 2 * (channel * stride + p), count) : constant[i];
    }
};

constexpr int64_t varying_chunk = diagonal_varying_chunk;

// Channels of a task: as many as keep its states, and those of a chunk before them, in L1 and L2.
template <class T>
CLEW_INLINE int64_t channels_of_task(int64_t pairs) {
    const int64_t vectors = (pairs + width<T> - 1) / width<T>, most = 128 / width<T>;
    return vectors >= most ? 1 : most / (vectors < 1 ? 1 : vectors);
}

template <class T>
CLEW_INLINE Channels<T> channels_at(const DiagonalSystem& system, int64_t block) {
    const int64_t pairs = system.C.shape[1], most = channels_of_task<T>(pairs), first = block * most;
    const int64_t left = system.x.shape[2] - first;
    return {system, first, left < most ? left : most, pairs, (pairs + width<T> - 1) / width<T>};
}

CLEW_INLINE bool varies(const Array& parameter) { return parameter.dimensions == 4; }

// Calls run(VaryA, VaryB) with the two as types.
template <bool value>
struct Flag {
    static constexpr bool is = value;
};

template <class Run>
CLEW_INLINE void with_flags(const DiagonalSystem& system, Run run) {
    if (varies(system.A_bar) && varies(system.B_bar)) return run(Flag<true>{}, Flag<true>{});
    if (varies(system.A_bar)) return run(Flag<true>{}, Flag<false>{});
    run(Flag<false>{}, Flag<true>{});
}

}  // namespace clew::CLEW_ISA
