#include "kernels/diagonal_varying.h"

namespace clew::CLEW_ISA {
namespace {

CLEW_INLINE int64_t groups(int64_t batch) { return batch < 1 ? 1 : batch < 16 ? batch : 16; }

constexpr int parameters = 3;  // A, B, C: what is summed over time, and over the rows of a group

template <class T>
struct Work {
    const DiagonalBackward& out;
    int64_t blocks, channels, vectors;
    Complex<T>* partial;  // (group, parameter, channel, vector)
    T* D_partial;         // (group, channel)

    CLEW_INLINE Complex<T>* sums(int64_t group, int64_t parameter, int64_t channel) const {
        return partial + ((group * parameters + parameter) * channels + channel) * vectors;
    }
};

// The memory of a task, in vectors.
template <class T>
struct Scratch {
    Complex<T>*C, *A, *B, *state, *carried, *sums, *totals, *lost, *before;

    static CLEW_INLINE int64_t bytes(int64_t size) {
        return (5 + 3 * parameters + varying_chunk) * size * sizeof(Complex<T>);
    }
    CLEW_INLINE Scratch(void* memory, int64_t size) {
        auto* next = static_cast<Complex<T>*>(memory);
        auto take = [&](int64_t many) {
            Complex<T>* taken = next;
            next += many * size;
            return taken;
        };
        C = take(1), A = take(1), B = take(1), state = take(1), carried = take(1);
        sums = take(parameters), totals = take(parameters), lost = take(parameters), before = take(varying_chunk);
    }
};

template <class T>
CLEW_INLINE void join(const Scratch<T>& scratch, int64_t size) {
    for (int64_t i = 0; i < parameters * size; ++i) {
        Total<T> re{scratch.totals[i].re, scratch.lost[i].re}, im{scratch.totals[i].im, scratch.lost[i].im};
        re.add(scratch.sums[i].re);
        im.add(scratch.sums[i].im);
        scratch.totals[i] = {re.value, im.value};
        scratch.lost[i] = {re.lost, im.lost};
        scratch.sums[i] = Complex<T>{};
    }
}

template <bool VaryA, bool VaryB, class T, class X>
void backward_row(const DiagonalBackward& out, const Channels<T>& here, int64_t row, const Scratch<T>& scratch,
                  T* dD) {
    const DiagonalSystem& system = out.system;
    const int64_t time = system.x.shape[1], length = system.length(row), size = here.size();
    Parameter<VaryA, T> A_bar{system.A_bar, scratch.A};
    Parameter<VaryB, T> B_bar{system.B_bar, scratch.B};
    Complex<T>*dA = scratch.sums, *dB = dA + size, *dC = dB + size;
    Complex<T>*state = scratch.state, *carried = scratch.carried;
    here.read(carried, out.final_gradient.complex_at<T>(row), out.final_gradient.stride[1]);
    auto clear = [&](Complex<T>* numbers) {
        for (int64_t i = 0; i < size; ++i) numbers[i] = Complex<T>{};
    };
    for (int64_t chunk = (time - 1) / varying_chunk; chunk >= 0; --chunk) {
        const int64_t first = chunk * varying_chunk;
        const int64_t after = first + varying_chunk < time ? first + varying_chunk : time;
        const int64_t end = after < length ? after : length;
        here.read(state, out.saved.at<T>(row, chunk), here.pairs);
        for (int64_t k = first; k < end; ++k) {
            if (system.starts(row, k)) clear(state);
            A_bar.move_to(row, k);
            B_bar.move_to(row, k);
            const X *x = system.x.at<X>(row, k, here.first), *g = out.y_gradient.at<X>(row, k, here.first);
            here.each([&](int64_t i, int64_t c, int64_t p, int64_t count) {
                scratch.before[(k - first) * size + i] = state[i];
                const T input = widen<T>(x[c]), twice = 2 * widen<T>(g[c]);
                const Complex<T> a = A_bar.at(i, here.first + c, p, count);
                const Complex<T> b = B_bar.at(i, here.first + c, p, count);
                state[i] = ComplexNumbers<T>::multiply_add(a, state[i], {b.re * input, b.im * input});
                dC[i].re += twice * state[i].re;
                dC[i].im -= twice * state[i].im;
            });
        }
        for (int64_t k = after - 1; k >= first; --k) {
            T* to_A = VaryA ? out.A_gradient.complex_at<T>(row, k) : nullptr;
            T* to_B = VaryB ? out.B_gradient.complex_at<T>(row, k) : nullptr;
            X* dx = out.x_gradient.at<X>(row, k, here.first);
            if (k >= end) {
                for (int64_t c = 0; c < here.channels; ++c) dx[c] = X{};
                clear(state);
                if (VaryA) here.write(to_A, out.A_gradient.stride[2], state);
                if (VaryB) here.write(to_B, out.B_gradient.stride[2], state);
                continue;
            }
            A_bar.move_to(row, k);
            B_bar.move_to(row, k);
            const X *x = system.x.at<X>(row, k, here.first), *g = out.y_gradient.at<X>(row, k, here.first);
            for (int64_t c = 0; c < here.channels; ++c) {
                const T input = widen<T>(x[c]), gradient = widen<T>(g[c]);
                const int64_t channel = here.first + c;
                Vec<T> through = zero<T>();
                for (int64_t v = 0; v < here.vectors; ++v) {
                    const int64_t i = c * here.vectors + v, p = v * width<T>, count = here.pairs - p;
                    const Complex<T> C = scratch.C[i], before = scratch.before[(k - first) * size + i];
                    const Complex<T> a = A_bar.at(i, channel, p, count), b = B_bar.at(i, channel, p, count);
                    const Complex<T> adjoint = {carried[i].re + C.re * (2 * gradient),
                                                carried[i].im - C.im * (2 * gradient)};
                    through += b.re * adjoint.re + b.im * adjoint.im;
                    const Complex<T> by_A = adjoint * conjugate(before);
                    const Complex<T> by_B = {adjoint.re * input, adjoint.im * input};
                    if (VaryA)
                        store_complex(to_A + 2 * (channel * out.A_gradient.stride[2] + p), by_A, count);
                    else
                        dA[i] = dA[i] + by_A;
                    if (VaryB)
                        store_complex(to_B + 2 * (channel * out.B_gradient.stride[2] + p), by_B, count);
                    else
                        dB[i] = dB[i] + by_B;
                    carried[i] = conjugate(a) * adjoint;
                }
                const T D = system.D.given() ? *system.D.at<T>(channel) : T{0};
                dx[c] = Narrow<X>::from(sum<T>(through) + D * gradient);
                dD[c] += input * gradient;
            }
            if (system.starts(row, k)) clear(carried);
        }
        join(scratch, size);
    }
    if (out.initial_gradient.given())
        here.write(out.initial_gradient.complex_at<T>(row), out.initial_gradient.stride[1], carried);
}

template <bool VaryA, bool VaryB, class T, class X>
void backward_task(const void* context, int64_t index, void* memory) {
    const auto& work = *static_cast<const Work<T>*>(context);
    const DiagonalSystem& system = work.out.system;
    const int64_t batch = system.x.shape[0], many = groups(batch), group = index / work.blocks;
    const Channels<T> here = channels_at<T>(system, index % work.blocks);
    const Scratch<T> scratch(memory, here.size());
    here.read(scratch.C, system.C.complex_at<T>(), system.C.stride[0]);
    if (!VaryA) here.read(scratch.A, system.A_bar.complex_at<T>(), system.A_bar.stride[0]);
    if (!VaryB) here.read(scratch.B, system.B_bar.complex_at<T>(), system.B_bar.stride[0]);
    for (int64_t i = 0; i < 3 * parameters * here.size(); ++i) scratch.sums[i] = Complex<T>{};
    T* dD = work.D_partial + group * work.channels + here.first;
    for (int64_t c = 0; c < here.channels; ++c) dD[c] = 0;
    for (int64_t row = group * batch / many; row < (group + 1) * batch / many; ++row)
        backward_row<VaryA, VaryB, T, X>(work.out, here, row, scratch, dD);
    for (int parameter = 0; parameter < parameters; ++parameter)
        for (int64_t i = 0; i < here.size(); ++i)
            work.sums(group, parameter, here.first)[i] =
                scratch.totals[parameter * here.size() + i] + scratch.lost[parameter * here.size() + i];
}

// The gradients of one channel's constant parameters: the sums of all groups.
template <class T>
void parameters_task(const void* context, int64_t channel, void*) {
    const auto& work = *static_cast<const Work<T>*>(context);
    const DiagonalBackward& out = work.out;
    const int64_t many = groups(out.system.x.shape[0]), pairs = out.system.C.shape[1];
    const Array* gradients[parameters] = {&out.A_gradient, &out.B_gradient, &out.C_gradient};
    for (int parameter = 0; parameter < parameters; ++parameter) {
        if (varies(*gradients[parameter])) continue;
        T* to = gradients[parameter]->template complex_at<T>(channel);
        for (int64_t v = 0; v < work.vectors; ++v) {
            Complex<T> total{};
            for (int64_t group = 0; group < many; ++group) total = total + work.sums(group, parameter, channel)[v];
            store_complex(to + 2 * v * width<T>, total, pairs - v * width<T>);
        }
    }
    T total = 0;
    for (int64_t group = 0; group < many; ++group) total += work.D_partial[group * work.channels + channel];
    *out.D_gradient.at<T>(channel) = total;
}

template <class T>
void run(const DiagonalBackward& out) {
    const DiagonalSystem& system = out.system;
    const Channels<T> most = channels_at<T>(system, 0);
    if (most.channels == 0) return;
    const int64_t channels = system.x.shape[2], many = groups(system.x.shape[0]);
    const int64_t blocks = (channels - 1) / channels_of_task<T>(most.pairs) + 1;
    const Memory partial(many * parameters * channels * most.vectors * sizeof(Complex<T>));
    const Memory D_partial(many * channels * sizeof(T));
    const Work<T> work{out, blocks, channels, most.vectors, static_cast<Complex<T>*>(partial.data),
                       static_cast<T*>(D_partial.data)};
    with_type<T>(system.x.type, [&](auto* x) {
        with_flags(system, [&](auto A, auto B) {
            run_tasks(many * blocks, system.threads, Scratch<T>::bytes(most.size()),
                      backward_task<decltype(A)::is, decltype(B)::is, T, Pointed<decltype(x)>>, &work);
        });
    });
    run_tasks(channels, system.threads, 0, parameters_task<T>, &work);
}

}  // namespace

void diagonal_varying_backward(const DiagonalBackward& out) {
    if (out.system.C.type == Type::complex64)
        run<float>(out);
    else
        run<double>(out);
}

}  // namespace clew::CLEW_ISA
