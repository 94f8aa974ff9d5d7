// A check of the kernels without Python: against loops in double, on sizes with ends in every direction. For
// machines that are only emulated, and for widths of vectors that this machine has no instructions for.
#include <cmath>
#include <complex>
#include <cstdio>

#include <vector>

#include "kernels/diagonal_ssm.h"
#include "kernels/linear_scan.h"
#include "kernels/sums.h"

using namespace clew;
using Number = std::complex<float>;
using Exact = std::complex<double>;

namespace {

double worst = 0;

void near(Exact actual, Exact expected) { worst = std::fmax(worst, std::abs(actual - expected)); }

double noise() {  // the same on every machine, between −1 and 1
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return state / 2147483648.0 - 1;
}

template <class T>
struct Tensor {
    std::vector<T> data;
    Array array;

    Tensor(Type type, std::vector<int64_t> shape, double scale = 0) {
        int64_t size = 1;
        array.type = type;
        array.dimensions = static_cast<int>(shape.size());
        for (int i = array.dimensions - 1; i >= 0; --i) {
            array.shape[i] = shape[i];
            array.stride[i] = size;
            size *= shape[i];
        }
        data.resize(size);
        for (T& number : data) {
            if constexpr (sizeof(T) == sizeof(float))
                number = static_cast<float>(scale * noise());
            else
                number = {static_cast<float>(scale * noise()), static_cast<float>(scale * noise())};
        }
        array.data = data.data();
    }
};

void check_linear_scan(int64_t B, int64_t L, int64_t C) {
    Tensor<Number> a(Type::complex64, {B, L, C}, 0.7), x(Type::complex64, {B, L, C}, 1), h(Type::complex64, {B, L, C});
    Tensor<Number> start(Type::complex64, {B, C}, 1);
    linear_scan_forward({a.array, x.array, start.array, h.array, 3});
    Tensor<Number> g(Type::complex64, {B, L, C}, 1), end(Type::complex64, {B, C}, 1);
    Tensor<Number> da(Type::complex64, {B, L, C}), dx(Type::complex64, {B, L, C}), dstart(Type::complex64, {B, C});
    linear_scan_backward({g.array, end.array, a.array, h.array, start.array, da.array, dx.array, dstart.array, 3});
    for (int64_t b = 0; b < B; ++b)
        for (int64_t c = 0; c < C; ++c) {
            auto at = [&](int64_t k) { return (b * L + k) * C + c; };
            std::vector<Exact> states;
            Exact state = start.data[b * C + c], adjoint = end.data[b * C + c];
            for (int64_t k = 0; k < L; ++k) {
                states.push_back(state);
                state = Exact(a.data[at(k)]) * state + Exact(x.data[at(k)]);
                near(h.data[at(k)], state);
            }
            for (int64_t k = L - 1; k >= 0; --k) {
                adjoint += Exact(g.data[at(k)]);
                near(dx.data[at(k)], adjoint);
                near(da.data[at(k)], adjoint * std::conj(states[k]));
                adjoint *= std::conj(Exact(a.data[at(k)]));
            }
            near(dstart.data[b * C + c], adjoint);
        }
}

// Gradients of a system by their meaning: of the sum of g · y, which is linear in x, C and D.
void check_diagonal(int64_t B, int64_t L, int64_t C, int64_t P, bool varying) {
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

int main() {
    use_isa("baseline");  // the only one that is linked in
    for (int64_t channels : {1, 5, 16, 37, 70}) check_linear_scan(3, 70, channels);
    for (int64_t channels : {1, 16, 37})
        for (int64_t pairs : {1, 5, 8})
            for (bool varying : {false, true}) check_diagonal(3, 130, channels, pairs, varying);
    std::printf("differs by %.1e at the most\n", worst);
    return worst < 1e-4 ? 0 : 1;  // float32, sums of some thousand terms of order 1
}
