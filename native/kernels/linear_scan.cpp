// Sequential in time, vectors across channels, the states in registers. Each input is read once and each state
// written once: memory is the limit.
#include "kernels/linear_scan.h"

#include "core/threads.h"
#include "simd/numbers.h"

namespace clew::CLEW_ISA {
namespace {

constexpr int64_t samples_per_sum = 64;  // added in registers before they join a Total

// What one thread works on at a time: K vectors of channels side by side in one row of the batch; or, where
// Partial, the last channels, fewer than a vector.
template <class Numbers, int K, bool Partial>
struct Columns {
    using T = typename Numbers::Part;
    using Value = typename Numbers::Value;
    static constexpr int parts = Numbers::parts;

    int64_t row, first, count;

    CLEW_INLINE int64_t lanes() const { return Partial ? count : width<T>; }

    CLEW_INLINE const T* sample(const Array& array, int64_t k) const {
        return static_cast<const T*>(array.data) +
               parts * (row * array.stride[0] + k * array.stride[1] + first * array.stride[2]);
    }
    CLEW_INLINE T* of_state(const Array& array) const {
        return static_cast<T*>(array.data) + parts * (row * array.stride[0] + first * array.stride[1]);
    }
    CLEW_INLINE Value load(const T* from, int k) const {
        return Numbers::load(from + k * width<T> * parts, lanes());
    }
    CLEW_INLINE void store(T* to, int k, Value value) const {
        Numbers::store(to + k * width<T> * parts, value, lanes());
    }
};

template <class Numbers, int K, bool Partial, bool Varying, bool Shared>
CLEW_INLINE void forward(const LinearScanForward& scan, Columns<Numbers, K, Partial> here) {
    using Value = typename Numbers::Value;
    const int64_t time = scan.inputs.shape[1];
    Value state[K], decay[K];
    auto load_decay = [&](int64_t k) {
        const auto* from = here.sample(scan.decay, k);
        CLEW_UNROLL for (int v = 0; v < K; ++v) decay[v] = Shared ? Numbers::repeat(from) : here.load(from, v);
    };
    CLEW_UNROLL for (int v = 0; v < K; ++v)
        state[v] = scan.initial_state.given() ? here.load(here.of_state(scan.initial_state), v) : Value{};
    load_decay(0);
    for (int64_t k = 0; k < time; ++k) {
        if (Varying) load_decay(k);
        const auto* from = here.sample(scan.inputs, k);
        auto* to = const_cast<typename Numbers::Part*>(here.sample(scan.states, k));
        CLEW_UNROLL for (int v = 0; v < K; ++v) {
            state[v] = Numbers::multiply_add(decay[v], state[v], here.load(from, v));
            here.store(to, v, state[v]);
        }
    }
}

// λ[k], the gradient of everything by h[k], is g[k] + conj(decay[k+1]) λ[k+1], and the gradient of inputs[k];
// that of decay[k] is λ[k] conj(h[k−1]).
template <class Numbers, int K, bool Partial, bool Varying, bool Shared>
CLEW_INLINE void backward(const LinearScanBackward& scan, Columns<Numbers, K, Partial> here) {
    using T = typename Numbers::Part;
    using Value = typename Numbers::Value;
    constexpr int parts = Numbers::parts;
    const int64_t time = scan.states.shape[1];
    Value carried[K], decay[K], sum[K];  // carried: conj(decay[k+1]) λ[k+1]
    Total<T> total[K][parts];
    auto load_decay = [&](int64_t k) {
        const T* from = here.sample(scan.decay, k);
        CLEW_UNROLL for (int v = 0; v < K; ++v)
            decay[v] = Numbers::conjugate(Shared ? Numbers::repeat(from) : here.load(from, v));
    };
    auto join = [&] {
        CLEW_UNROLL for (int v = 0; v < K; ++v) {
            const Vec<T>* each = reinterpret_cast<const Vec<T>*>(&sum[v]);
            CLEW_UNROLL for (int p = 0; p < parts; ++p) total[v][p].add(each[p]);
            sum[v] = Value{};
        }
    };
    CLEW_UNROLL for (int v = 0; v < K; ++v) {
        carried[v] = here.load(here.of_state(scan.final_gradient), v);
        sum[v] = Value{};
    }
    load_decay(0);
    for (int64_t k = time - 1; k >= 0; --k) {
        if (Varying) load_decay(k);
        const T* from = here.sample(scan.states_gradient, k);
        const T* before = k > 0                          ? here.sample(scan.states, k - 1)
                          : scan.initial_state.given() ? here.of_state(scan.initial_state)
                                                       : nullptr;
        T* to = const_cast<T*>(here.sample(scan.inputs_gradient, k));
        T* to_decay = Varying ? const_cast<T*>(here.sample(scan.decay_gradient, k)) : nullptr;
        CLEW_UNROLL for (int v = 0; v < K; ++v) {
            const Value adjoint = carried[v] + here.load(from, v);
            const Value state = before == nullptr ? Value{} : Numbers::conjugate(here.load(before, v));
            here.store(to, v, adjoint);
            if (Varying)
                here.store(to_decay, v, Numbers::multiply_add(adjoint, state, Value{}));
            else
                sum[v] = Numbers::multiply_add(adjoint, state, sum[v]);
            carried[v] = Numbers::multiply_add(decay[v], adjoint, Value{});
        }
        if (!Varying && k % samples_per_sum == 0) join();
    }
    CLEW_UNROLL for (int v = 0; v < K; ++v) {
        here.store(here.of_state(scan.initial_gradient), v, carried[v]);
        if (Varying) continue;
        Value sums;
        Vec<T>* each = reinterpret_cast<Vec<T>*>(&sums);
        CLEW_UNROLL for (int p = 0; p < parts; ++p) each[p] = total[v][p].result();
        here.store(const_cast<T*>(here.sample(scan.decay_gradient, 0)), v, sums);
    }
}

struct Forward {
    template <bool Varying, bool Shared, class Numbers, int K, bool Partial>
    static CLEW_INLINE void run(const LinearScanForward& scan, Columns<Numbers, K, Partial> here) {
        forward<Numbers, K, Partial, Varying, Shared>(scan, here);
    }
};

struct Backward {
    template <bool Varying, bool Shared, class Numbers, int K, bool Partial>
    static CLEW_INLINE void run(const LinearScanBackward& scan, Columns<Numbers, K, Partial> here) {
        backward<Numbers, K, Partial, Varying, Shared>(scan, here);
    }
};

// One task: `group` channels of one row.
template <class Scan>
struct Work {
    const Scan& scan;
    int64_t channels, group, groups;
};

template <class Direction, bool Varying, bool Shared, class Numbers, class Scan>
void task(const void* context, int64_t index, void*) {
    constexpr int K = 4 / Numbers::parts, W = width<typename Numbers::Part>;
    const auto& work = *static_cast<const Work<Scan>*>(context);
    const int64_t row = index / work.groups, first = index % work.groups * work.group;
    const int64_t end = first + work.group < work.channels ? first + work.group : work.channels;
    int64_t at = first;
    for (; at + K * W <= end; at += K * W)
        Direction::template run<Varying, Shared>(work.scan, Columns<Numbers, K, false>{row, at, W});
    for (; at + W <= end; at += W)
        Direction::template run<Varying, Shared>(work.scan, Columns<Numbers, 1, false>{row, at, W});
    if (at < end)
        Direction::template run<Varying, Shared>(work.scan, Columns<Numbers, 1, true>{row, at, end - at});
}

template <class Direction, class Numbers, class Scan>
void run(const Scan& scan, const Array& shape) {
    constexpr int K = 4 / Numbers::parts, W = width<typename Numbers::Part>;
    const int64_t batch = shape.shape[0], channels = shape.shape[2];
    const bool varying = scan.decay.stride[1] != 0, shared = scan.decay.stride[2] == 0;
    // Wide groups read whole cache lines; with few of them, narrow ones give each thread something to do.
    int64_t group = K * W;
    if (batch * ((channels + group - 1) / group) < 2 * scan.threads) group = W;
    const Work<Scan> work{scan, channels, group, (channels + group - 1) / group};
    const Task each = varying ? (shared ? task<Direction, true, true, Numbers, Scan>
                                        : task<Direction, true, false, Numbers, Scan>)
                              : (shared ? task<Direction, false, true, Numbers, Scan>
                                        : task<Direction, false, false, Numbers, Scan>);
    run_tasks(batch * work.groups, scan.threads, 0, each, &work);
}

template <class Direction, class Scan>
void run_type(const Scan& scan, const Array& shape) {
    switch (shape.type) {
        case Type::float32: return run<Direction, RealNumbers<float>>(scan, shape);
        case Type::float64: return run<Direction, RealNumbers<double>>(scan, shape);
        case Type::complex64: return run<Direction, ComplexNumbers<float>>(scan, shape);
        case Type::complex128: return run<Direction, ComplexNumbers<double>>(scan, shape);
        default: return;  // the caller has checked
    }
}

}  // namespace

void linear_scan_forward(const LinearScanForward& scan) { run_type<Forward>(scan, scan.inputs); }

void linear_scan_backward(const LinearScanBackward& scan) { run_type<Backward>(scan, scan.states); }

}  // namespace clew::CLEW_ISA
