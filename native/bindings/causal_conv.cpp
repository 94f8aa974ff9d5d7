#include "kernels/causal_conv.h"

#include <stdexcept>

#include "arguments.h"
#include "bindings.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace clew {
namespace {

// The sizes, as x and weight have them, and the types that follow from theirs.
struct Shape {
    int64_t batch, time, channels, width;
    Type signal, wide;

    Shape(const Tensor& x_tensor, const Tensor& weight_tensor) {
        const Array x = any_array("x", x_tensor, 3), weight = any_array("weight", weight_tensor, 2);
        batch = x.shape[0], time = x.shape[1], channels = x.shape[2], width = weight.shape[0];
        signal = x.type, wide = weight.type;
        const bool narrow = signal == Type::bfloat16 || signal == Type::float16;
        if (wide != Type::float32 && wide != Type::float64) throw std::invalid_argument("weight is of no type of sums");
        if (signal != wide && !(narrow && wide == Type::float32))
            throw std::invalid_argument("x is of a type that does not go with that of weight");
        if (width < 1) throw std::invalid_argument("weight has no taps");
    }
    Array over_time(const char* name, const Tensor& tensor) const {
        return array(name, tensor, {batch, time, channels}, {signal});
    }
};

CausalConv conv_of(const Shape& shape, const Tensor& x, const Tensor& weight, const Maybe& bias,
                   const Maybe& initial_state, const Maybe& reset, bool silu, int threads) {
    return {
        shape.over_time("x", x),
        array("weight", weight, {shape.width, shape.channels}, {shape.wide}),
        array("bias", bias, {shape.channels}, {shape.wide}),
        array("initial_state", initial_state, {shape.batch, shape.width - 1, shape.channels}, {shape.wide}),
        array("reset", reset, {shape.batch, shape.time}, {Type::boolean}),
        silu,
        threads,
    };
}

void forward(const Tensor& x, const Tensor& weight, const Maybe& bias, const Maybe& initial_state, const Maybe& reset,
             bool silu, const Tensor& y, int threads) {
    const Shape shape(x, weight);
    const CausalConvForward out{
        conv_of(shape, x, weight, bias, initial_state, reset, silu, threads),
        written(shape.over_time("y", y)),
    };
    nb::gil_scoped_release release;
    causal_conv_forward(out);
}

void backward(const Tensor& y_gradient, const Tensor& x, const Tensor& weight, const Maybe& bias,
              const Maybe& initial_state, const Maybe& reset, bool silu, const Tensor& x_gradient,
              const Tensor& initial_gradient, const Tensor& weight_gradient, const Tensor& bias_gradient,
              int threads) {
    const Shape shape(x, weight);
    const CausalConvBackward out{
        conv_of(shape, x, weight, bias, initial_state, reset, silu, threads),
        shape.over_time("y_gradient", y_gradient),
        written(shape.over_time("x_gradient", x_gradient)),
        array("initial_gradient", initial_gradient, {shape.batch, shape.width - 1, shape.channels}, {shape.wide}),
        array("weight_gradient", weight_gradient, {shape.batch, shape.width, shape.channels}, {shape.wide}),
        array("bias_gradient", bias_gradient, {shape.batch, shape.channels}, {shape.wide}),
    };
    nb::gil_scoped_release release;
    causal_conv_backward(out);
}

}  // namespace

void bind_causal_conv(nb::module_& module) {
    module.def("causal_conv_forward", &forward, "x"_a, "weight"_a, "bias"_a.none(), "initial_state"_a.none(),
               "reset"_a.none(), "silu"_a, "y"_a, "threads"_a);
    module.def("causal_conv_backward", &backward, "y_gradient"_a, "x"_a, "weight"_a, "bias"_a.none(),
               "initial_state"_a.none(), "reset"_a.none(), "silu"_a, "x_gradient"_a, "initial_gradient"_a,
               "weight_gradient"_a, "bias_gradient"_a, "threads"_a);
}

}  // namespace clew
