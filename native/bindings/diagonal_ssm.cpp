#include "kernels/diagonal_ssm.h"

#include <stdexcept>
#include <string>

#include "arguments.h"
#include "bindings.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace clew {
namespace {

constexpr int64_t strip_bytes = 64;

// The sizes, as x and C have them, and the types that follow from theirs.
struct Shape {
    int64_t batch, time, channels, pairs, real_bytes;
    Type input, complex, real;

    Shape(const Tensor& x_tensor, const Tensor& C_tensor) {
        const Array x = any_array("x", x_tensor, 3), C = any_array("C", C_tensor, 2);
        batch = x.shape[0], time = x.shape[1], channels = x.shape[2], pairs = C.shape[1];
        input = x.type, complex = C.type;
        real = complex == Type::complex64 ? Type::float32 : Type::float64;
        real_bytes = real == Type::float32 ? 4 : 8;
    }
    Array of_x(const char* name, const Tensor& tensor) const {
        return real == Type::float32
                   ? array(name, tensor, {batch, time, channels}, {input == real ? real : narrow()})
                   : array(name, tensor, {batch, time, channels}, {real});
    }
    Type narrow() const { return input == Type::bfloat16 ? Type::bfloat16 : Type::float16; }

    Array of_parameter(const char* name, const Tensor& tensor) const {
        if (tensor.ndim() == 4) return array(name, tensor, {batch, time, channels, pairs}, {complex});
        return array(name, tensor, {channels, pairs}, {complex});
    }
    Array of_state(const char* name, const Tensor& tensor) const {
        return array(name, tensor, {batch, channels, pairs}, {complex});
    }
    Array of_saved(const Tensor& tensor, bool varying) const {
        if (varying) {
            const int64_t chunks = (time + diagonal_varying_chunk - 1) / diagonal_varying_chunk;
            return packed("saved", tensor, {batch, chunks, channels, pairs * 2}, {real});
        }
        const int64_t lanes = strip_bytes / real_bytes, strips = (channels + lanes - 1) / lanes;
        const int64_t chunks = (time + diagonal_chunk - 1) / diagonal_chunk;
        return packed("saved", tensor, {batch, chunks, strips, pairs * 2 * lanes}, {real});
    }
};

bool varying(const Tensor& A_bar, const Tensor& B_bar) { return A_bar.ndim() == 4 || B_bar.ndim() == 4; }

// A gradient with a sum over time has the shape of what it is the gradient of.
Array of_gradient(const Shape& shape, const char* name, const Tensor& tensor, const Tensor& parameter) {
    if (tensor.ndim() != parameter.ndim()) throw std::invalid_argument(std::string(name) + " has another shape");
    return shape.of_parameter(name, tensor);
}

DiagonalSystem system_of(const Shape& shape, const Tensor& x, const Tensor& A_bar, const Tensor& B_bar,
                         const Tensor& C, const Maybe& D, const Maybe& initial_state, const Maybe& reset,
                         const Maybe& lengths, int threads) {
    return {
        shape.of_x("x", x),
        shape.of_parameter("A_bar", A_bar),
        shape.of_parameter("B_bar", B_bar),
        array("C", C, {shape.channels, shape.pairs}, {Type::complex64, Type::complex128}),
        array("D", D, {shape.channels}, {shape.real}),
        initial_state ? shape.of_state("initial_state", *initial_state) : Array{},
        array("reset", reset, {shape.batch, shape.time}, {Type::boolean}),
        array("lengths", lengths, {shape.batch}, {Type::int64}),
        threads,
    };
}

void forward(const Tensor& x, const Tensor& A_bar, const Tensor& B_bar, const Tensor& C, const Maybe& D,
             const Maybe& initial_state, const Maybe& reset, const Maybe& lengths, const Tensor& y,
             const Tensor& final_state, const Maybe& saved, int threads) {
    const Shape shape(x, C);
    const DiagonalForward out{
        system_of(shape, x, A_bar, B_bar, C, D, initial_state, reset, lengths, threads),
        written(shape.of_x("y", y)),
        shape.of_state("final_state", final_state),
        saved ? written(shape.of_saved(*saved, varying(A_bar, B_bar))) : Array{},
    };
    nb::gil_scoped_release release;
    if (varying(A_bar, B_bar))
        diagonal_varying_forward(out);
    else
        diagonal_constant_forward(out);
}

void backward(const Tensor& y_gradient, const Tensor& final_gradient, const Tensor& saved, const Tensor& x,
              const Tensor& A_bar, const Tensor& B_bar, const Tensor& C, const Maybe& D, const Maybe& initial_state,
              const Maybe& reset, const Maybe& lengths, const Tensor& x_gradient, const Tensor& A_gradient,
              const Tensor& B_gradient, const Tensor& C_gradient, const Tensor& D_gradient,
              const Maybe& initial_gradient, int threads) {
    const Shape shape(x, C);
    if (initial_state.has_value() != initial_gradient.has_value())
        throw std::invalid_argument("initial_state comes with its gradient");
    const DiagonalBackward out{
        system_of(shape, x, A_bar, B_bar, C, D, initial_state, reset, lengths, threads),
        shape.of_x("y_gradient", y_gradient),
        shape.of_state("final_gradient", final_gradient),
        shape.of_saved(saved, varying(A_bar, B_bar)),
        written(shape.of_x("x_gradient", x_gradient)),
        written(of_gradient(shape, "A_gradient", A_gradient, A_bar)),
        written(of_gradient(shape, "B_gradient", B_gradient, B_bar)),
        of_gradient(shape, "C_gradient", C_gradient, C),
        array("D_gradient", D_gradient, {shape.channels}, {shape.real}),
        initial_gradient ? shape.of_state("initial_gradient", *initial_gradient) : Array{},
    };
    nb::gil_scoped_release release;
    if (varying(A_bar, B_bar))
        diagonal_varying_backward(out);
    else
        diagonal_constant_backward(out);
}

}  // namespace

void bind_diagonal_ssm(nb::module_& module) {
    module.def("diagonal_ssm_forward", &forward, "x"_a, "A_bar"_a, "B_bar"_a, "C"_a, "D"_a.none(),
               "initial_state"_a.none(), "reset"_a.none(), "lengths"_a.none(), "y"_a, "final_state"_a,
               "saved"_a.none(), "threads"_a);
    module.def("diagonal_ssm_backward", &backward, "y_gradient"_a, "final_gradient"_a, "saved"_a, "x"_a, "A_bar"_a,
               "B_bar"_a, "C"_a, "D"_a.none(), "initial_state"_a.none(), "reset"_a.none(), "lengths"_a.none(),
               "x_gradient"_a, "A_gradient"_a, "B_gradient"_a, "C_gradient"_a, "D_gradient"_a,
               "initial_gradient"_a.none(), "threads"_a);
}

}  // namespace clew
