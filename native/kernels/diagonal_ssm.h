// h[k] = Ā[k] h[k−1] + B̄[k] x[k], y[k] = 2 Re(C h[k]) + D x[k], forward and backward.
#pragma once

#include "core/array.h"
#include "core/isa.h"

namespace clew {

// Samples from one saved state to the next.
constexpr int64_t diagonal_chunk = 64;
constexpr int64_t diagonal_varying_chunk = 16;

// T is float32 or float64, the type of the state. x and y, and their gradients, are T, or of 16 bits where T is
// float32. Complex arrays are of T. Any array may have strides over batch and time.
//
// A_bar, B_bar (channel, pairs), or (batch, time, channel, pairs); C (channel, pairs); D (channel), or missing;
// initial_state (batch, channel, pairs), or missing; reset (batch, time) bool, or missing: where the state before
// the sample counts as zero; lengths (batch) int64, or missing: outputs from there on are zero, the final state
// is the one there.
struct DiagonalSystem {
    Array x, A_bar, B_bar, C, D, initial_state, reset, lengths;
    int threads;

    // Of a row, within the time that there is.
    CLEW_INLINE int64_t length(int64_t row) const {
        const int64_t time = x.shape[1], given = lengths.given() ? *lengths.at<int64_t>(row) : time;
        return given < 0 ? 0 : given < time ? given : time;
    }
    CLEW_INLINE bool starts(int64_t row, int64_t k) const { return reset.given() && *reset.at<bool>(row, k); }
};

struct DiagonalForward {
    DiagonalSystem system;
    // Out: y (batch, time, channel); final_state (batch, channel, pairs); and, unless it is missing, the states before
    // each chunk in the order in which backward reads them, of T: saved (batch, chunk, strip, pairs · 2 · channels of
    // a strip) for a constant system, (batch, chunk, channel, pairs · 2) for one that varies.
    Array y, final_state, saved;
};

struct DiagonalBackward {
    DiagonalSystem system;
    Array y_gradient, final_gradient, saved;
    // Out, each like what it is the gradient of; that of the initial state is missing where there is none.
    Array x_gradient, A_gradient, B_gradient, C_gradient, D_gradient, initial_gradient;
};

CLEW_KERNEL(diagonal_constant_forward, DiagonalForward)
CLEW_KERNEL(diagonal_constant_backward, DiagonalBackward)
CLEW_KERNEL(diagonal_varying_forward, DiagonalForward)
CLEW_KERNEL(diagonal_varying_backward, DiagonalBackward)

}  // namespace clew
