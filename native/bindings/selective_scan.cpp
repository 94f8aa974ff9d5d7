#include "kernels/selective_scan.h"

#include <stdexcept>

#include "arguments.h"
#include "bindings.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace clew {
namespace {

// The sizes, as x, A and B have them, and the types that follow from theirs.
struct Shape {
    int64_t batch, time, channels, states, groups, splits, strips;
    Type signal, wide;

    Shape(const Tensor& x_tensor, const Tensor& A_tensor, const Tensor& B_tensor, int64_t splits) : splits(splits) {
        const Array x = any_array("x", x_tensor, 3), A = any_array("A", A_tensor, 2), B = any_array("B", B_tensor, 4);
        batch = x.shape[0], time = x.shape[1], channels = x.shape[2], states = A.shape[1], groups = B.shape[2];
        signal = x.type, wide = A.type;
        const bool narrow = signal == Type::bfloat16 || signal == Type::float16;
        if (wide != Type::float32 && wide != Type::float64) throw std::invalid_argument("A is of no type of state");
        if (signal != wide && !(narrow && wide == Type::float32))
            throw std::invalid_argument("x is of a type that does not go with that of A");
        if (groups < 1 || channels % groups != 0) throw std::invalid_argument("groups do not divide channels");
        if (splits < 1) throw std::invalid_argument("splits are too few");
        const int64_t lanes = wide == Type::float32 ? 16 : 8, own = channels / groups;
        strips = (own + lanes - 1) / lanes * lanes;
    }
    Array over_time(const char* name, const Tensor& tensor) const {
        return array(name, tensor, {batch, time, channels}, {signal});
    }
    Array over_time(const char* name, const Maybe& tensor) const {
        return array(name, tensor, {batch, time, channels}, {signal});
    }
    Array state(const char* name, const Tensor& tensor) const {
        return packed(name, tensor, {batch, channels, states}, {wide});
    }
    Array saved(const Tensor& tensor) const {
        const int64_t chunks = (time + scan_chunk - 1) / scan_chunk;
        return packed("saved", tensor, {batch, chunks, groups, strips, states}, {wide});
    }
};

SelectiveScan scan_of(const Shape& shape, const Tensor& x, const Tensor& dt, const Tensor& A, const Tensor& B,
                      const Tensor& C, const Maybe& D, const Maybe& z, const Maybe& dt_bias,
                      const Maybe& initial_state, const Maybe& reset, bool dt_softplus, int threads) {
    const Sizes matrix = {shape.batch, shape.time, shape.groups, shape.states};
    return {
        shape.over_time("x", x),
        shape.over_time("dt", dt),
        array("A", A, {shape.channels, shape.states}, {shape.wide}),
        array("B", B, matrix, {shape.signal}),
        array("C", C, matrix, {shape.signal}),
        array("D", D, {shape.channels}, {shape.wide}),
        shape.over_time("z", z),
        array("dt_bias", dt_bias, {shape.channels}, {shape.wide}),
        array("initial_state", initial_state, {shape.batch, shape.channels, shape.states}, {shape.wide}),
        array("reset", reset, {shape.batch, shape.time}, {Type::boolean}),
        dt_softplus,
        shape.splits,
        threads,
    };
}

void forward(const Tensor& x, const Tensor& dt, const Tensor& A, const Tensor& B, const Tensor& C, const Maybe& D,
             const Maybe& z, const Maybe& dt_bias, const Maybe& initial_state, const Maybe& reset, bool dt_softplus,
             const Tensor& y, const Tensor& final_state, const Maybe& saved, int64_t splits, int threads) {
    const Shape shape(x, A, B, splits);
    const SelectiveForward out{
        scan_of(shape, x, dt, A, B, C, D, z, dt_bias, initial_state, reset, dt_softplus, threads),
        written(shape.over_time("y", y)),
        shape.state("final_state", final_state),
        saved ? written(shape.saved(*saved)) : Array{},
    };
    nb::gil_scoped_release release;
    selective_scan_forward(out);
}

void backward(const Tensor& y_gradient, const Tensor& final_gradient, const Tensor& saved, const Tensor& x,
              const Tensor& dt, const Tensor& A, const Tensor& B, const Tensor& C, const Maybe& D, const Maybe& z,
              const Maybe& dt_bias, const Maybe& reset, bool dt_softplus, const Tensor& x_gradient,
              const Tensor& dt_gradient, const Maybe& z_gradient, const Tensor& initial_gradient,
              const Tensor& B_gradient, const Tensor& C_gradient, const Tensor& A_gradient, const Tensor& D_gradient,
              const Tensor& bias_gradient, int64_t splits, int threads) {
    const Shape shape(x, A, B, splits);
    const Sizes matrix = {splits, shape.batch, shape.time, shape.groups, shape.states};
    const Sizes vector = {shape.batch, shape.channels};
    if (z.has_value() != z_gradient.has_value()) throw std::invalid_argument("z comes with its gradient");
    const SelectiveBackward out{
        scan_of(shape, x, dt, A, B, C, D, z, dt_bias, {}, reset, dt_softplus, threads),
        shape.over_time("y_gradient", y_gradient),
        array("final_gradient", final_gradient, {shape.batch, shape.channels, shape.states}, {shape.wide}),
        shape.saved(saved),
        written(shape.over_time("x_gradient", x_gradient)),
        written(shape.over_time("dt_gradient", dt_gradient)),
        written(shape.over_time("z_gradient", z_gradient)),
        shape.state("initial_gradient", initial_gradient),
        written(packed("B_gradient", B_gradient, matrix, {shape.wide})),
        written(packed("C_gradient", C_gradient, matrix, {shape.wide})),
        shape.state("A_gradient", A_gradient),
        packed("D_gradient", D_gradient, vector, {shape.wide}),
        packed("bias_gradient", bias_gradient, vector, {shape.wide}),
    };
    nb::gil_scoped_release release;
    selective_scan_backward(out);
}

}  // namespace

void bind_selective_scan(nb::module_& module) {
    module.def("selective_scan_forward", &forward, "x"_a, "dt"_a, "A"_a, "B"_a, "C"_a, "D"_a.none(), "z"_a.none(),
               "dt_bias"_a.none(), "initial_state"_a.none(), "reset"_a.none(), "dt_softplus"_a, "y"_a, "final_state"_a,
               "saved"_a.none(), "splits"_a, "threads"_a);
    module.def("selective_scan_backward", &backward, "y_gradient"_a, "final_gradient"_a, "saved"_a, "x"_a, "dt"_a,
               "A"_a, "B"_a, "C"_a, "D"_a.none(), "z"_a.none(), "dt_bias"_a.none(), "reset"_a.none(), "dt_softplus"_a,
               "x_gradient"_a, "dt_gradient"_a, "z_gradient"_a.none(), "initial_gradient"_a, "B_gradient"_a,
               "C_gradient"_a, "A_gradient"_a, "D_gradient"_a, "bias_gradient"_a, "splits"_a, "threads"_a);
}

}  // namespace clew
