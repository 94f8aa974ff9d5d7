#include "kernels/diagonal_constant.h"

namespace clew::CLEW_ISA {
namespace {

// M pairs over one chunk, for one vector of channels: the outputs gain their part, the states move on.
template <bool Folded, int M, class T>
CLEW_INLINE void forward_pairs(const Pieces& pieces, const T* rows, T* states, const T* x, T* y) {
    const Coefficients<true, M, T> known(rows);
    Complex<T> state[M];
    CLEW_UNROLL for (int m = 0; m < M; ++m)
        state[m] = {load(states + 2 * m * lanes<T>), load(states + (2 * m + 1) * lanes<T>)};
    for (int64_t piece = 0; piece < pieces.count; ++piece) {
        if (pieces.forgets(piece)) CLEW_UNROLL for (int m = 0; m < M; ++m) state[m] = Complex<T>{};
        for (int64_t k = pieces.begin(piece); k < pieces.end[piece]; ++k) {
            advance<Folded>(state, known, load(x + k * lanes<T>));
            Vec<T> plus = load(y + k * lanes<T>), minus = zero<T>();
            CLEW_UNROLL for (int m = 0; m < M; ++m) {
                plus += known(m, W_re) * state[m].re;
                minus += known(m, W_im) * state[m].im;
            }
            store(y + k * lanes<T>, plus - minus);
        }
    }
    CLEW_UNROLL for (int m = 0; m < M; ++m) {
        store(states + 2 * m * lanes<T>, state[m].re);
        store(states + (2 * m + 1) * lanes<T>, state[m].im);
    }
}

template <class T>
struct ForwardScratch {
    T x[diagonal_chunk * lanes<T>], y[diagonal_chunk * lanes<T>];
    T states[1];  // (pair, 2, lane), to the end of the memory

    static size_t bytes(int64_t pairs) { return sizeof(ForwardScratch) + pairs * 2 * 64; }
};

template <class T>
struct Work {
    Problem<T> problem;
    const DiagonalForward& out;
};

template <bool Folded, class T, class X>
void forward_task(const void* context, int64_t index, void* memory) {
    const auto& work = *static_cast<const Work<T>*>(context);
    const Problem<T>& problem = work.problem;
    const DiagonalSystem& system = problem.system;
    const DiagonalForward& out = work.out;
    auto& scratch = *static_cast<ForwardScratch<T>*>(memory);
    T* states = scratch.states;
    const int64_t row = index / problem.strips, strip = index % problem.strips, pairs = problem.pairs;
    const int64_t count = problem.channels(strip), channel = strip * lanes<T>, time = system.x.shape[1];
    const T* known = problem.known(strip);
    T D[lanes<T>] = {};
    if (system.D.given())
        for (int64_t lane = 0; lane < count; ++lane) D[lane] = *system.D.at<T>(channel + lane);
    if (system.initial_state.given())
        stage_pairs(states, system.initial_state.complex_at<T>(row, channel), system.initial_state.stride[1],
                    pairs, count);
    else
        for (int64_t i = 0; i < pairs * 2 * lanes<T>; ++i) states[i] = 0;
    for (int64_t chunk = 0; chunk < problem.chunks; ++chunk) {
        if (out.saved.given()) {
            T* keep = const_cast<T*>(problem.saved_state(out.saved, row, chunk, strip));
            for (int64_t i = 0; i < pairs * 2 * vectors<T>; ++i)
                store(keep + i * width<T>, load(states + i * width<T>));
        }
        const Pieces pieces(system, row, chunk);
        stage(scratch.x, system.x.at<X>(row, pieces.first, channel), system.x.stride[1], pieces.samples, count);
        fetch_rows<T>(system.x.at<X>(row, pieces.first + diagonal_chunk, channel), system.x.stride[1],
                      chunk_samples(time, chunk + 1));
        fetch_rows<T>(out.y.at<X>(row, pieces.first, channel), out.y.stride[1], pieces.samples);
        for (int v = 0; v < vectors<T>; ++v) {
            const int64_t at = v * width<T>;
            for (int64_t k = 0; k < pieces.samples; ++k)
                store(scratch.y + k * lanes<T> + at, load(D + at) * load(scratch.x + k * lanes<T> + at));
            in_blocks<forward_pairs_at_once>(pairs, [&](auto size, int64_t p) {
                forward_pairs<Folded, decltype(size)::value>(
                    pieces, known + p * coefficient_rows * lanes<T> + at, states + p * 2 * lanes<T> + at,
                    scratch.x + at, scratch.y + at);
            });
        }
        X* to = out.y.at<X>(row, pieces.first, channel);
        unstage(to, out.y.stride[1], scratch.y, pieces.samples, count);
        blank(to + pieces.samples * out.y.stride[1], out.y.stride[1],
              chunk_samples(time, chunk) - pieces.samples, count);
    }
    if (Folded)
        for (int64_t p = 0; p < pairs; ++p)
            for (int lane = 0; lane < lanes<T>; ++lane) {
                const T* row_p = known + p * coefficient_rows * lanes<T>;
                T* re = states + p * 2 * lanes<T> + lane;
                const T b_re = row_p[B_re * lanes<T> + lane], b_im = row_p[B_im * lanes<T> + lane];
                const T s_re = re[0], s_im = re[lanes<T>];
                re[0] = b_re * s_re - b_im * s_im;
                re[lanes<T>] = b_re * s_im + b_im * s_re;
            }
    unstage_pairs(out.final_state.complex_at<T>(row, channel), out.final_state.stride[1], states, pairs, count);
}

template <class T>
void run(const DiagonalForward& out) {
    const DiagonalSystem& system = out.system;
    const bool folded = !system.initial_state.given();
    const Memory coefficients(Problem<T>::bytes(system));
    prepare(system, folded, static_cast<T*>(coefficients.data));
    const Work<T> work{{system, static_cast<const T*>(coefficients.data)}, out};
    with_type<T>(system.x.type, [&](auto* x) {
        using X = Pointed<decltype(x)>;
        run_tasks(system.x.shape[0] * work.problem.strips, system.threads,
                  ForwardScratch<T>::bytes(work.problem.pairs),
                  folded ? forward_task<true, T, X> : forward_task<false, T, X>, &work);
    });
}

}  // namespace

void diagonal_constant_forward(const DiagonalForward& out) {
    if (out.system.C.type == Type::complex64)
        run<float>(out);
    else
        run<double>(out);
}

}  // namespace clew::CLEW_ISA
