// h[k] = e[k] h[k−1] + Δ[k] x[k] B[k]ᵀ, y[k] = h[k] C[k] + D x[k] for each head, e and Δ a number for each sample of a
// head, forward and backward.
#pragma once

#include "core/array.h"
#include "core/isa.h"
#include "kernels/scan_chunk.h"

namespace clew {

// T is float32 or float64, the type of the state and of Δ, e and D. x, B, C and their like are all of one type: T, or
// 16 bits where T is float32. Any array may have strides over batch and time.
//
// x (batch, time, channel), the channels of a head side by side; delta, decay (batch, time, head); B, C (batch, time,
// group, state); D (head); initial_state (batch, channel, state); reset (batch, time) bool: where the state before the
// sample counts as zero. D, initial_state and reset may be missing.
//
// The heads of a group are dealt to `splits` tasks.
struct Ssd {
    Array x, delta, decay, B, C, D, initial_state, reset;
    int64_t splits;
    int threads;

    static constexpr bool whole_units = true;
    CLEW_INLINE int64_t heads() const { return delta.shape[2]; }
    CLEW_INLINE int64_t unit() const { return x.shape[2] > 0 ? x.shape[2] / heads() : 1; }
    CLEW_INLINE int64_t groups() const { return B.shape[2]; }
    CLEW_INLINE int64_t states() const { return B.shape[3]; }
    CLEW_INLINE int64_t channels_of_group() const { return x.shape[2] / groups(); }
    CLEW_INLINE int64_t chunks() const { return (x.shape[1] + scan_chunk - 1) / scan_chunk; }
};

struct SsdForward {
    Ssd scan;
    // Out: y like x; final_state (batch, channel, state); and, unless it is missing, the states before each chunk, of
    // T, saved (batch, chunk, head, strip, state · channels of a strip).
    Array y, final_state, saved;
};

struct SsdBackward {
    Ssd scan;
    Array y_gradient, final_gradient, saved;
    // Out: x and initial_state, like what they are the gradients of; delta, and by the exponent whose exponential the
    // decay is, (batch, time, head); and sums over what the tasks have: B, C (split, batch, time, group, state),
    // D (batch, channel); all but that of x of T.
    Array x_gradient, delta_gradient, exponent_gradient, initial_gradient;
    Array B_gradient, C_gradient, D_gradient;
};

CLEW_KERNEL(ssd_forward, SsdForward)
CLEW_KERNEL(ssd_backward, SsdBackward)

}  // namespace clew
