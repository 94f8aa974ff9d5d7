// h[k] = exp(Δ[k] A) h[k−1] + Δ[k] B[k] x[k], y[k] = (C[k] · h[k] + D x[k]) · silu(z[k]), forward and backward.
#pragma once

#include "core/array.h"
#include "core/isa.h"
#include "kernels/scan_chunk.h"

namespace clew {

// T is float32 or float64, the type of the state and of A, D, dt_bias. x, dt, z, B, C and their like are all of
// one type: T, or 16 bits where T is float32. Any array may have strides over batch and time.
//
// x, dt, z (batch, time, channel); A (channel, state); B, C (batch, time, group, state); D, dt_bias (channel);
// initial_state (batch, channel, state); reset (batch, time) bool: where the state before the sample counts as
// zero. D, z, dt_bias, initial_state and reset may be missing.
//
// The channels of a group are dealt to `splits` tasks.
struct SelectiveScan {
    Array x, dt, A, B, C, D, z, dt_bias, initial_state, reset;
    bool dt_softplus;
    int64_t splits;
    int threads;

    static constexpr bool whole_units = false;
    CLEW_INLINE int64_t unit() const { return channels_of_group() > 0 ? channels_of_group() : 1; }
    CLEW_INLINE int64_t groups() const { return B.shape[2]; }
    CLEW_INLINE int64_t states() const { return A.shape[1]; }
    CLEW_INLINE int64_t channels_of_group() const { return x.shape[2] / groups(); }
    CLEW_INLINE int64_t chunks() const { return (x.shape[1] + scan_chunk - 1) / scan_chunk; }
};

struct SelectiveForward {
    SelectiveScan scan;
    // Out: y like x; final_state (batch, channel, state); and, unless it is missing, the states before each chunk,
    // of T, saved (batch, chunk, group, strip, state · channels of a strip).
    Array y, final_state, saved;
};

struct SelectiveBackward {
    SelectiveScan scan;
    Array y_gradient, final_gradient, saved;
    // Out: x, dt, z (if given) and initial_state, like what they are the gradients of; and sums over what the
    // tasks have: B, C (split, batch, time, group, state), A (batch, channel, state), D, dt_bias (batch, channel),
    // all of T.
    Array x_gradient, dt_gradient, z_gradient, initial_gradient;
    Array B_gradient, C_gradient, A_gradient, D_gradient, bias_gradient;
};

CLEW_KERNEL(selective_scan_forward, SelectiveForward)
CLEW_KERNEL(selective_scan_backward, SelectiveBackward)

}  // namespace clew
