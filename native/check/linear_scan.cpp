#include "kernels/linear_scan.h"

#include "check/check.h"

namespace clew::check {
namespace {

void check(int64_t B, int64_t L, int64_t C) {
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

}  // namespace

void linear_scan() {
    for (int64_t channels : {1, 5, 16, 37, 70}) check(3, 70, channels);
}

}  // namespace clew::check
