#include "kernels/linear_scan.h"

#include "arguments.h"
#include "bindings.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace clew {
namespace {

void forward(const Tensor& decay, const Tensor& inputs, const Maybe& initial_state, const Tensor& states,
             int threads) {
    const Array like = any_array("inputs", inputs, 3);
    const int64_t batch = like.shape[0], time = like.shape[1], channels = like.shape[2];
    const Sizes all = {batch, time, channels};
    const LinearScanForward scan{
        broadcast_array("decay", decay, all, {like.type}),
        array("inputs", inputs, all, {like.type}),
        array("initial_state", initial_state, {batch, channels}, {like.type}),
        written(array("states", states, all, {like.type})),
        threads,
    };
    nb::gil_scoped_release release;
    if (time > 0) linear_scan_forward(scan);
}

void backward(const Tensor& states_gradient, const Tensor& final_gradient, const Tensor& decay,
              const Tensor& states, const Maybe& initial_state, const Tensor& decay_gradient,
              const Tensor& inputs_gradient, const Tensor& initial_gradient, int threads) {
    const Array like = any_array("states", states, 3);
    const int64_t batch = like.shape[0], time = like.shape[1], channels = like.shape[2];
    const Sizes all = {batch, time, channels}, state = {batch, channels};
    const Array factor = broadcast_array("decay", decay, all, {like.type});
    const Sizes like_decay = {batch, factor.stride[1] == 0 ? 1 : time, channels};
    const LinearScanBackward scan{
        array("states_gradient", states_gradient, all, {like.type}),
        array("final_gradient", final_gradient, state, {like.type}),
        factor,
        array("states", states, all, {like.type}),
        array("initial_state", initial_state, state, {like.type}),
        written(array("decay_gradient", decay_gradient, like_decay, {like.type})),
        written(array("inputs_gradient", inputs_gradient, all, {like.type})),
        array("initial_gradient", initial_gradient, state, {like.type}),
        threads,
    };
    nb::gil_scoped_release release;
    if (time > 0) linear_scan_backward(scan);
}

}  // namespace

void bind_linear_scan(nb::module_& module) {
    module.def("linear_scan_forward", &forward, "decay"_a, "inputs"_a, "initial_state"_a.none(), "states"_a,
               "threads"_a);
    module.def("linear_scan_backward", &backward, "states_gradient"_a, "final_gradient"_a, "decay"_a, "states"_a,
               "initial_state"_a.none(), "decay_gradient"_a, "inputs_gradient"_a, "initial_gradient"_a,
               "threads"_a);
}

}  // namespace clew
