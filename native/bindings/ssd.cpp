#include "kernels/ssd.h"

#include <stdexcept>

#include "arguments.h"
#include "bindings.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace clew {
namespace {

// The sizes, as x, delta and B have them, and the types that follow from theirs.
struct Shape {
    int64_t batch, time, channels, heads, states, groups, splits, padded;
    Type signal, wide;

    Shape(const Tensor& x_tensor, const Tensor& delta_tensor, const Tensor& B_tensor, int64_t splits)
        : splits(splits) {
        const Array x = any_array("x", x_tensor, 3), delta = any_array("delta", delta_tensor, 3);
        const Array B = any_array("B", B_tensor, 4);
        batch = x.shape[0], time = x.shape[1], channels = x.shape[2], heads = delta.shape[2];
        groups = B.shape[2], states = B.shape[3], signal = x.type, wide = delta.type;
        const bool narrow = signal == Type::bfloat16 || signal == Type::float16;
        if (wide != Type::float32 && wide != Type::float64) throw std::invalid_argument("delta is of no type of state");
        if (signal != wide && !(narrow && wide == Type::float32))
            throw std::invalid_argument("x is of a type that does not go with that of delta");
        if (heads == 0 ? channels != 0 : channels % heads != 0) throw std::invalid_argument("heads do not divide channels");
        if (groups < 1 || heads % groups != 0) throw std::invalid_argument("groups do not divide heads");
        if (splits < 1) throw std::invalid_argument("splits are too few");
        const int64_t lanes = wide == Type::float32 ? 16 : 8, own = heads == 0 ? 0 : channels / heads;
        padded = (own + lanes - 1) / lanes * lanes;
    }
    Array over_time(const char* name, const Tensor& tensor) const {
        return array(name, tensor, {batch, time, channels}, {signal});
    }
    Array by_head(const char* name, const Tensor& tensor) const {
        return array(name, tensor, {batch, time, heads}, {wide});
    }
    Array state(const char* name, const Tensor& tensor) const {
        return packed(name, tensor, {batch, channels, states}, {wide});
    }
    Array saved(const Tensor& tensor) const {
        const int64_t chunks = (time + scan_chunk - 1) / scan_chunk;
        return packed("saved", tensor, {batch, chunks, heads, padded, states}, {wide});
    }
};

Ssd scan_of(const Shape& shape, const Tensor& x, const Tensor& delta, const Tensor& decay, const Tensor& B,
            const Tensor& C, const Maybe& D, const Maybe& initial_state, const Maybe& reset, int threads) {
    const Sizes matrix = {shape.batch, shape.time, shape.groups, shape.states};
    return {
        shape.over_time("x", x),
        shape.by_head("delta", delta),
        shape.by_head("decay", decay),
        array("B", B, matrix, {shape.signal}),
        array("C", C, matrix, {shape.signal}),
        array("D", D, {shape.heads}, {shape.wide}),
        array("initial_state", initial_state, {shape.batch, shape.channels, shape.states}, {shape.wide}),
        array("reset", reset, {shape.batch, shape.time}, {Type::boolean}),
        shape.splits,
        threads,
    };
}

void forward(const Tensor& x, const Tensor& delta, const Tensor& decay, const Tensor& B, const Tensor& C,
             const Maybe& D, const Maybe& initial_state, const Maybe& reset, const Tensor& y,
             const Tensor& final_state, const Maybe& saved, int64_t splits, int threads) {
    const Shape shape(x, delta, B, splits);
    const SsdForward out{
        scan_of(shape, x, delta, decay, B, C, D, initial_state, reset, threads),
        written(shape.over_time("y", y)),
        shape.state("final_state", final_state),
        saved ? written(shape.saved(*saved)) : Array{},
    };
    nb::gil_scoped_release release;
    ssd_forward(out);
}

void backward(const Tensor& y_gradient, const Tensor& final_gradient, const Tensor& saved, const Tensor& x,
              const Tensor& delta, const Tensor& decay, const Tensor& B, const Tensor& C, const Maybe& D,
              const Maybe& reset, const Tensor& x_gradient, const Tensor& delta_gradient,
              const Tensor& exponent_gradient, const Tensor& initial_gradient, const Tensor& B_gradient,
              const Tensor& C_gradient, const Tensor& D_gradient, int64_t splits, int threads) {
    const Shape shape(x, delta, B, splits);
    const Sizes matrix = {splits, shape.batch, shape.time, shape.groups, shape.states};
    const SsdBackward out{
        scan_of(shape, x, delta, decay, B, C, D, {}, reset, threads),
        shape.over_time("y_gradient", y_gradient),
        array("final_gradient", final_gradient, {shape.batch, shape.channels, shape.states}, {shape.wide}),
        shape.saved(saved),
        written(shape.over_time("x_gradient", x_gradient)),
        shape.by_head("delta_gradient", delta_gradient),
        shape.by_head("exponent_gradient", exponent_gradient),
        shape.state("initial_gradient", initial_gradient),
        written(packed("B_gradient", B_gradient, matrix, {shape.wide})),
        written(packed("C_gradient", C_gradient, matrix, {shape.wide})),
        packed("D_gradient", D_gradient, {shape.batch, shape.channels}, {shape.wide}),
    };
    nb::gil_scoped_release release;
    ssd_backward(out);
}

}  // namespace

void bind_ssd(nb::module_& module) {
    module.def("ssd_forward", &forward, "x"_a, "delta"_a, "decay"_a, "B"_a, "C"_a, "D"_a.none(),
               "initial_state"_a.none(), "reset"_a.none(), "y"_a, "final_state"_a, "saved"_a.none(), "splits"_a,
               "threads"_a);
    module.def("ssd_backward", &backward, "y_gradient"_a, "final_gradient"_a, "saved"_a, "x"_a, "delta"_a, "decay"_a,
               "B"_a, "C"_a, "D"_a.none(), "reset"_a.none(), "x_gradient"_a, "delta_gradient"_a,
               "exponent_gradient"_a, "initial_gradient"_a, "B_gradient"_a, "C_gradient"_a, "D_gradient"_a,
               "splits"_a, "threads"_a);
}

}  // namespace clew
