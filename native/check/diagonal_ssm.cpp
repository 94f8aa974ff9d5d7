#include "kernels/diagonal_ssm.h"

#include "check/check.h"

namespace clew::check {
namespace {

// Gradients of a system by their meaning: of the sum of g · y, which is linear in x, C and D.
void check(int64_t B, int64_t L, int64_t C, int64_t P, bool varying) {
    std::vector<int64_t> shape = varying ? std::vector<int64_t>{B, L, C, P} : std::vector<int64_t>{C, P};
    Tensor<Number> A(Type::complex64, shape, 0.6), gain(Type::complex64, shape, 1), out(Type::complex64, {C, P}, 1);
    Tensor<float> x(Type::float32, {B, L, C}, 1), D(Type::float32, {C}, 1), y(Type::float32, {B, L, C});
    Tensor<Number> final_state(Type::complex64, {B, C, P});
    const int64_t strips = (C + 15) / 16;
    Tensor<float> saved(Type::float32, varying ? std::vector<int64_t>{B, (L + 15) / 16, C, 2 * P}
                                               : std::vector<int64_t>{B, (L + 63) / 64, strips, 32 * P});
    const DiagonalSystem system{x.array, A.array, gain.array, out.array, D.array, {}, {}, {}, 3};
    const DiagonalForward forward{system, y.array, final_state.array, saved.array};
    varying ? diagonal_varying_forward(forward) : diagonal_constant_forward(forward);
    Tensor<float> g(Type::float32, {B, L, C}, 1), dx(Type::float32, {B, L, C}), dD(Type::float32, {C});
    Tensor<Number> none(Type::complex64, {B, C, P}), dA(Type::complex64, shape), dB(Type::complex64, shape);
    Tensor<Number> dC(Type::complex64, {C, P}), dstart(Type::complex64, {B, C, P});
    const DiagonalBackward backward{system,   g.array,  none.array, saved.array, dx.array,
                                    dA.array, dB.array, dC.array,   dD.array,    dstart.array};
    varying ? diagonal_varying_backward(backward) : diagonal_constant_backward(backward);
    double by_x = 0, by_C = 0, by_D = 0, total = 0;
    for (int64_t b = 0; b < B; ++b)
        for (int64_t c = 0; c < C; ++c) {
            std::vector<Exact> h(P);
            for (int64_t k = 0; k < L; ++k) {
                const int64_t at = (b * L + k) * C + c;
                double exact = double(D.data[c]) * x.data[at];
                for (int64_t p = 0; p < P; ++p) {
                    const int64_t i = varying ? at * P + p : c * P + p;
                    h[p] = Exact(A.data[i]) * h[p] + Exact(gain.data[i]) * double(x.data[at]);
                    exact += 2 * (Exact(out.data[c * P + p]) * h[p]).real();
                }
                near(y.data[at], exact);
                total += exact * g.data[at];
                by_x += double(dx.data[at]) * x.data[at];
            }
            for (int64_t p = 0; p < P; ++p) near(final_state.data[(b * C + c) * P + p], h[p]);
        }
    for (int64_t c = 0; c < C; ++c) by_D += double(dD.data[c]) * D.data[c];
    for (int64_t i = 0; i < C * P; ++i) by_C += (Exact(dC.data[i]) * std::conj(Exact(out.data[i]))).real();
    near(by_x, total);
    near(by_C + by_D, total);
}

}  // namespace

void diagonal_ssm() {
    for (int64_t channels : {1, 16, 37})
        for (int64_t pairs : {1, 5, 8})
            for (bool varying : {false, true}) check(3, 130, channels, pairs, varying);
}

}  // namespace clew::check
