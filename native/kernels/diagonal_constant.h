// Ā and B̄ constant over time. Sequential in time, vectors across the channels of a strip, a few pairs at a time
// in registers; every coefficient stays in L1. Memory sees x and y once, and the states once a chunk.
//
// Where no initial state is given, B̄ moves to the output: s[k] = Ā s[k−1] + x[k], h = B̄ s, y = 2 Re(C B̄ s) + D x,
// two operations fewer of eight for each pair and sample (Folded). B̄ may be zero, so that s cannot be had from h.
//
// Backward: with λ[k] the gradient of everything by s[k] (by h[k] where not Folded) and W = 2 C B̄ (2 C),
//     λ[k] = conj(W) g[k] + conj(Ā) λ[k+1],   dĀ = Σ λ[k] conj(s[k−1]),   dW = Σ g[k] conj(s[k]),
//     dx[k] = Re λ[k] + D g[k]   (Re(conj(B̄) λ[k]) + D g[k], and dB̄ = Σ λ[k] x[k]).
// The states of a chunk are computed again from the one before it.
#pragma once

#include "core/memory.h"
#include "core/threads.h"
#include "kernels/diagonal_parts.h"
#include "simd/numbers.h"

namespace clew::CLEW_ISA {

constexpr int coefficient_rows = 6;  // rows for a pair: Ā, W, B̄, real and imaginary parts
constexpr int coefficients_bytes = coefficient_rows * 64;
enum { A_re, A_im, W_re, W_im, B_re, B_im };

// Pairs in registers at a time. Backward there are twice as many numbers for each.
constexpr int forward_pairs_at_once = 4;
constexpr int backward_pairs_at_once = registers >= 32 ? 4 : 3;

// Calls run(Size<M>, p) for blocks of M pairs from pair p on, as large as may be, `most` at most.
template <int M>
struct Size {
    static constexpr int value = M;
};

template <int most, class Run>
CLEW_INLINE void in_blocks(int64_t pairs, Run run) {
    int64_t p = 0;
    for (; p + most <= pairs; p += most) run(Size<most>{}, p);
    for (; p + 2 <= pairs; p += 2) run(Size<2>{}, p);
    for (; p < pairs; ++p) run(Size<1>{}, p);
}

template <class T>
struct Problem {
    const DiagonalSystem& system;
    const T* coefficients;  // (strip, pair, 6, lane)
    int64_t strips, pairs, chunks;

    Problem(const DiagonalSystem& given, const T* prepared)
        : system(given), coefficients(prepared), strips(CLEW_ISA::strips<T>(given.x.shape[2])),
          pairs(given.C.shape[1]), chunks(CLEW_ISA::chunks(given.x.shape[1])) {}

    static CLEW_INLINE size_t bytes(const DiagonalSystem& given) {
        return CLEW_ISA::strips<T>(given.x.shape[2]) * given.C.shape[1] * coefficients_bytes;
    }

    CLEW_INLINE int64_t channels(int64_t strip) const {
        const int64_t left = system.x.shape[2] - strip * lanes<T>;
        return left < lanes<T> ? left : lanes<T>;
    }
    CLEW_INLINE const T* saved_state(const Array& saved, int64_t row, int64_t chunk, int64_t strip) const {
        return saved.at<T>() + ((row * chunks + chunk) * strips + strip) * pairs * 2 * lanes<T>;
    }
    CLEW_INLINE const T* known(int64_t strip) const {
        return coefficients + strip * pairs * coefficient_rows * lanes<T>;
    }
};

// Fills in the coefficients of every strip.
template <class T>
CLEW_INLINE void prepare(const DiagonalSystem& system, bool folded, T* rows) {
    const int64_t channels = system.x.shape[2], pairs = system.C.shape[1];
    for (int64_t i = 0; i < strips<T>(channels) * pairs; ++i, rows += coefficient_rows * lanes<T>)
        for (int64_t lane = 0; lane < lanes<T>; ++lane) {
            const int64_t channel = i / pairs * lanes<T> + lane, p = i % pairs;
            T a[2] = {}, b[2] = {}, c[2] = {};
            if (channel < channels) {
                auto read = [&](const Array& array, T* to) {
                    const T* from = array.complex_at<T>(channel) + 2 * p;
                    to[0] = from[0], to[1] = from[1];
                };
                read(system.A_bar, a), read(system.B_bar, b), read(system.C, c);
            }
            rows[A_re * lanes<T> + lane] = a[0];
            rows[A_im * lanes<T> + lane] = a[1];
            rows[W_re * lanes<T> + lane] = 2 * (folded ? c[0] * b[0] - c[1] * b[1] : c[0]);
            rows[W_im * lanes<T> + lane] = 2 * (folded ? c[0] * b[1] + c[1] * b[0] : c[1]);
            rows[B_re * lanes<T> + lane] = b[0];
            rows[B_im * lanes<T> + lane] = b[1];
        }
}

// The coefficients of M pairs for one vector of channels, by pair and row: held in variables, of which the compiler
// keeps in registers what it can, or read from L1 each time.
template <bool held, int M, class T>
class Coefficients {
public:
    CLEW_INLINE explicit Coefficients(const T* first) : first(first) {
        if constexpr (held)
            CLEW_UNROLL for (int m = 0; m < M; ++m)
                CLEW_UNROLL for (int row = 0; row < coefficient_rows; ++row) known[m][row] = read(m, row);
    }
    CLEW_INLINE Vec<T> operator()(int m, int row) const {
        if constexpr (held)
            return known[m][row];
        else
            return read(m, row);
    }

private:
    CLEW_INLINE Vec<T> read(int m, int row) const { return load(first + (m * coefficient_rows + row) * lanes<T>); }

    const T* first;
    Vec<T> known[held ? M : 1][coefficient_rows];
};

// One step of M pairs from `input`, in place. The real part comes last and adds its own share last: a step then waits
// for one product of it, not for two.
template <bool Folded, bool held, int M, class T>
CLEW_INLINE void advance(Complex<T> (&state)[M], const Coefficients<held, M, T>& known, Vec<T> input) {
    CLEW_UNROLL for (int m = 0; m < M; ++m) {
        const Vec<T> re = state[m].re, im = state[m].im, a_re = known(m, A_re), a_im = known(m, A_im);
        if (Folded) {
            state[m].im = a_im * re + a_re * im;
            state[m].re = a_re * re + (input - a_im * im);
        } else {
            state[m].im = a_im * re + (known(m, B_im) * input + a_re * im);
            state[m].re = a_re * re + (known(m, B_re) * input - a_im * im);
        }
    }
}

}  // namespace clew::CLEW_ISA
