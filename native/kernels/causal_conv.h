// y[k] = f(b + Σ_j weight[j] x[k − width + 1 + j]) for each channel, f SiLU or nothing; forward and backward.
#pragma once

#include "core/array.h"
#include "core/isa.h"

namespace clew {

// T is float32 or float64, the type of weight, bias and initial_state; x and y, and their gradients, are T, or of
// 16 bits where T is float32. x and y_gradient may have strides over batch and time.
//
// x (batch, time, channel); weight (width, channel), the last row for the present sample; bias (channel), or
// missing; initial_state (batch, width − 1, channel), the inputs before the first, or missing; reset (batch, time)
// bool, or missing: where all inputs before the sample count as zero.
struct CausalConv {
    Array x, weight, bias, initial_state, reset;
    bool silu;
    int threads;
};

struct CausalConvForward {
    CausalConv conv;
    Array y;  // out
};

struct CausalConvBackward {
    CausalConv conv;
    Array y_gradient;
    // Out: x (batch, time, channel), initial_state (batch, width − 1, channel); and of T, for each row, weight
    // (batch, width, channel) and bias (batch, channel).
    Array x_gradient, initial_gradient, weight_gradient, bias_gradient;
};

CLEW_KERNEL(causal_conv_forward, CausalConvForward)
CLEW_KERNEL(causal_conv_backward, CausalConvBackward)

}  // namespace clew
