// h[k] = decay[k] h[k−1] + inputs[k], elementwise; forward and backward.
#pragma once

#include "core/array.h"
#include "core/isa.h"

namespace clew {

// All arrays are of one type, float32, float64 or complex of these, and (batch, time, channel) except for
// initial_state and its like (batch, channel). Along channels the stride is 1; that of decay may be 0, and so
// may its strides over batch and time. initial_state may be missing, which means zero.
struct LinearScanForward {
    Array decay, inputs, initial_state;
    Array states;  // out
    int threads;
};

struct LinearScanBackward {
    Array states_gradient, final_gradient, decay, states, initial_state;
    // Out. decay_gradient is (batch, time, channel), or (batch, 1, channel), the sum over time, for a decay that
    // is constant over time: its stride there is 0.
    Array decay_gradient, inputs_gradient, initial_gradient;
    int threads;
};

CLEW_KERNEL(linear_scan_forward, LinearScanForward)
CLEW_KERNEL(linear_scan_backward, LinearScanBackward)

}  // namespace clew
