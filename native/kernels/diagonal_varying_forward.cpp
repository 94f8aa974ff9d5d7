#include "kernels/diagonal_varying.h"

namespace clew::CLEW_ISA {
namespace {

template <bool VaryA, bool VaryB, class T, class X>
void task(const void* context, int64_t index, void* memory) {
    const auto& out = *static_cast<const DiagonalForward*>(context);
    const DiagonalSystem& system = out.system;
    const int64_t blocks = (system.x.shape[2] - 1) / channels_of_task<T>(system.C.shape[1]) + 1;
    const int64_t row = index / blocks, time = system.x.shape[1], length = system.length(row);
    const Channels<T> here = channels_at<T>(system, index % blocks);
    Complex<T>*state = static_cast<Complex<T>*>(memory), *C = state + here.size(), *A = C + here.size(),
    *B = A + here.size();
    here.read(C, system.C.complex_at<T>(), system.C.stride[0]);
    if (!VaryA) here.read(A, system.A_bar.complex_at<T>(), system.A_bar.stride[0]);
    if (!VaryB) here.read(B, system.B_bar.complex_at<T>(), system.B_bar.stride[0]);
    Parameter<VaryA, T> A_bar{system.A_bar, A};
    Parameter<VaryB, T> B_bar{system.B_bar, B};
    if (system.initial_state.given())
        here.read(state, system.initial_state.complex_at<T>(row), system.initial_state.stride[1]);
    else
        for (int64_t i = 0; i < here.size(); ++i) state[i] = Complex<T>{};
    for (int64_t k = 0; k < time; ++k) {
        if (out.saved.given() && k % varying_chunk == 0)
            here.write(out.saved.at<T>(row, k / varying_chunk), here.pairs, state);
        const X* x = system.x.at<X>(row, k, here.first);
        X* y = out.y.at<X>(row, k, here.first);
        if (k >= length) {
            for (int64_t c = 0; c < here.channels; ++c) y[c] = X{};
            continue;
        }
        if (system.starts(row, k))
            for (int64_t i = 0; i < here.size(); ++i) state[i] = Complex<T>{};
        A_bar.move_to(row, k);
        B_bar.move_to(row, k);
        for (int64_t c = 0; c < here.channels; ++c) {
            const T input = widen<T>(x[c]);
            Vec<T> plus = zero<T>(), minus = zero<T>();
            for (int64_t v = 0; v < here.vectors; ++v) {
                const int64_t i = c * here.vectors + v, p = v * width<T>;
                const Complex<T> a = A_bar.at(i, here.first + c, p, here.pairs - p);
                const Complex<T> b = B_bar.at(i, here.first + c, p, here.pairs - p);
                state[i] = ComplexNumbers<T>::multiply_add(a, state[i], {b.re * input, b.im * input});
                plus += C[i].re * state[i].re;
                minus += C[i].im * state[i].im;
            }
            const T D = system.D.given() ? *system.D.at<T>(here.first + c) : T{0};
            y[c] = Narrow<X>::from(2 * sum<T>(plus - minus) + D * input);
        }
    }
    here.write(out.final_state.complex_at<T>(row), out.final_state.stride[1], state);
}

template <class T>
void run(const DiagonalForward& out) {
    const DiagonalSystem& system = out.system;
    const Channels<T> most = channels_at<T>(system, 0);
    if (most.channels == 0) return;
    const int64_t blocks = (system.x.shape[2] - 1) / channels_of_task<T>(most.pairs) + 1;
    with_type<T>(system.x.type, [&](auto* x) {
        with_flags(system, [&](auto A, auto B) {
            run_tasks(system.x.shape[0] * blocks, system.threads, 4 * most.size() * sizeof(Complex<T>),
                      task<decltype(A)::is, decltype(B)::is, T, Pointed<decltype(x)>>, &out);
        });
    });
}

}  // namespace

void diagonal_varying_forward(const DiagonalForward& out) {
    if (out.system.C.type == Type::complex64)
        run<float>(out);
    else
        run<double>(out);
}

}  // namespace clew::CLEW_ISA
