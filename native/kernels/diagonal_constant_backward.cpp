#include "kernels/diagonal_constant.h"

namespace clew::CLEW_ISA {
namespace {

// Rows of the batch that one task adds up one after another. Their number depends on the batch alone, never on
// the threads, so that sums are formed in the same order with any number of these.
CLEW_INLINE int64_t groups(int64_t batch) { return batch < 1 ? 1 : batch < 16 ? batch : 16; }

template <class T>
struct Scratch {
    T x[diagonal_chunk * lanes<T>], g[diagonal_chunk * lanes<T>], dx[diagonal_chunk * lanes<T>];
    Complex<T> before[diagonal_chunk * backward_pairs_at_once];  // the states before each sample, of one block of pairs
    T rest[1];  // the four below, one after another to the end of the memory

    static size_t bytes(int64_t pairs) { return sizeof(Scratch) + pairs * (4 + 2 * coefficient_rows) * 64; }

    CLEW_INLINE T* carried() { return rest; }                                        // (pair, 2, lane)
    CLEW_INLINE T* last(int64_t pairs) { return rest + pairs * 2 * lanes<T>; }       // (pair, 2, lane)
    CLEW_INLINE T* sums(int64_t pairs) { return rest + pairs * 4 * lanes<T>; }       // (pair, 6, lane)
    CLEW_INLINE T* lost(int64_t pairs) { return sums(pairs) + pairs * coefficient_rows * lanes<T>; }
};

template <class T>
struct Work {
    Problem<T> problem;
    const DiagonalBackward& out;
    T* partial;  // (group, strip, 6 · pairs + 1, lane): sums over the rows of a group, as in the coefficients; D

    CLEW_INLINE T* sums(int64_t group, int64_t strip) const {
        const int64_t size = (problem.pairs * coefficient_rows + 1) * lanes<T>;
        return partial + (group * problem.strips + strip) * size;
    }
};

// The sums of a pair over a chunk join those over the chunks before: see Total.
template <class T>
CLEW_INLINE void join(T* sums, T* lost, Vec<T> term) {
    Total<T> total{load(sums), load(lost)};
    total.add(term);
    store(sums, total.value);
    store(lost, total.lost);
}

// What backward_pairs works on: pointers to the first pair of the block and to one vector of channels.
template <class T>
struct Block {
    const T *known, *state, *x, *g;
    T *dx, *carried, *sums, *lost;
    Complex<T>* before;
};

// M pairs over one chunk, for one vector of channels. `last` holds the gradient of the final state by pair where
// this chunk ends in it and Folded, else it is null.
template <bool Folded, int M, class T>
CLEW_INLINE void backward_pairs(const Pieces& pieces, const Block<T>& at, const T* last) {
    constexpr int L = lanes<T>;
    const Coefficients<registers >= 32, M, T> known(at.known);  // with fewer, L1 is quicker than what would be spilt
    {
        Complex<T> state[M], dW[M];
        CLEW_UNROLL for (int m = 0; m < M; ++m) {
            state[m] = {load(at.state + 2 * m * L), load(at.state + (2 * m + 1) * L)};
            dW[m] = Complex<T>{};
        }
        for (int64_t piece = 0; piece < pieces.count; ++piece) {
            if (pieces.forgets(piece)) CLEW_UNROLL for (int m = 0; m < M; ++m) state[m] = Complex<T>{};
            for (int64_t k = pieces.begin(piece); k < pieces.end[piece]; ++k) {
                CLEW_UNROLL for (int m = 0; m < M; ++m) at.before[k * M + m] = state[m];
                advance<Folded>(state, known, load(at.x + k * L));
                const Vec<T> g = load(at.g + k * L);
                CLEW_UNROLL for (int m = 0; m < M; ++m) {
                    dW[m].re += g * state[m].re;
                    dW[m].im -= g * state[m].im;
                }
            }
        }
        CLEW_UNROLL for (int m = 0; m < M; ++m) {
            const int row = m * coefficient_rows * L;
            join(at.sums + row + W_re * L, at.lost + row + W_re * L, dW[m].re);
            join(at.sums + row + W_im * L, at.lost + row + W_im * L, dW[m].im);
            if (Folded && last != nullptr) {  // h = B̄ s at the end: dB̄ gains conj(s) times the gradient of h
                const Complex<T> end = {load(last + 2 * m * L), load(last + (2 * m + 1) * L)};
                const Complex<T> by_end = conjugate(state[m]) * end;
                join(at.sums + row + B_re * L, at.lost + row + B_re * L, by_end.re);
                join(at.sums + row + B_im * L, at.lost + row + B_im * L, by_end.im);
            }
        }
    }
    // carried: conj(Ā) λ[k+1].
    Complex<T> carried[M], dA[M], dB[M];
    CLEW_UNROLL for (int m = 0; m < M; ++m) {
        carried[m] = {load(at.carried + 2 * m * L), load(at.carried + (2 * m + 1) * L)};
        dA[m] = dB[m] = Complex<T>{};
    }
    for (int64_t piece = pieces.count - 1; piece >= 0; --piece) {
        for (int64_t k = pieces.end[piece] - 1; k >= pieces.begin(piece); --k) {
            const Vec<T> g = load(at.g + k * L), x = load(at.x + k * L);
            Vec<T> dx = load(at.dx + k * L);
            CLEW_UNROLL for (int m = 0; m < M; ++m) {
                const Complex<T> before = at.before[k * M + m];
                const Vec<T> a_re = known(m, A_re), a_im = known(m, A_im);
                const Vec<T> re = carried[m].re + known(m, W_re) * g;
                const Vec<T> im = carried[m].im - known(m, W_im) * g;
                if (Folded) {
                    dx += re;
                } else {
                    dx += known(m, B_re) * re + known(m, B_im) * im;
                    dB[m].re += re * x;
                    dB[m].im += im * x;
                }
                dA[m].re = dA[m].re + re * before.re + im * before.im;
                dA[m].im = dA[m].im + im * before.re - re * before.im;
                carried[m].re = a_re * re + a_im * im;
                carried[m].im = a_re * im - a_im * re;
            }
            store(at.dx + k * L, dx);
        }
        if (pieces.forgets(piece)) CLEW_UNROLL for (int m = 0; m < M; ++m) carried[m] = Complex<T>{};
    }
    CLEW_UNROLL for (int m = 0; m < M; ++m) {
        const int row = m * coefficient_rows * L;
        store(at.carried + 2 * m * L, carried[m].re);
        store(at.carried + (2 * m + 1) * L, carried[m].im);
        join(at.sums + row + A_re * L, at.lost + row + A_re * L, dA[m].re);
        join(at.sums + row + A_im * L, at.lost + row + A_im * L, dA[m].im);
        if (!Folded) {
            join(at.sums + row + B_re * L, at.lost + row + B_re * L, dB[m].re);
            join(at.sums + row + B_im * L, at.lost + row + B_im * L, dB[m].im);
        }
    }
}

template <bool Folded, class T, class X>
void backward_row(const Work<T>& work, int64_t row, int64_t strip, Scratch<T>& scratch, T* dD) {
    const Problem<T>& problem = work.problem;
    const DiagonalSystem& system = problem.system;
    const DiagonalBackward& out = work.out;
    constexpr int L = lanes<T>;
    const int64_t pairs = problem.pairs, count = problem.channels(strip), channel = strip * L;
    const T* known = problem.known(strip);
    T *carried = scratch.carried(), *last = scratch.last(pairs);
    T *sums = scratch.sums(pairs), *lost = scratch.lost(pairs);
    T D[L] = {};
    if (system.D.given())
        for (int64_t lane = 0; lane < count; ++lane) D[lane] = *system.D.at<T>(channel + lane);
    stage_pairs(carried, out.final_gradient.complex_at<T>(row, channel), out.final_gradient.stride[1], pairs,
                count);
    // The gradient of the final h; of the final s it is conj(B̄) times as much. Kept for dB̄ until the first chunk.
    const int64_t length = system.length(row), end = length == 0 ? -1 : (length - 1) / diagonal_chunk;
    if (Folded)
        for (int64_t p = 0; p < pairs; ++p)
            for (int at = 0; at < L; at += width<T>) {
                T* re = carried + 2 * p * L + at;
                const T* b = known + p * coefficient_rows * L + at;
                const Complex<T> gradient{load(re), load(re + L)}, B{load(b + B_re * L), load(b + B_im * L)};
                store(last + 2 * p * L + at, gradient.re);
                store(last + (2 * p + 1) * L + at, gradient.im);
                const Complex<T> through = conjugate(B) * gradient;
                store(re, through.re);
                store(re + L, through.im);
            }
    for (int64_t chunk = problem.chunks - 1; chunk >= 0; --chunk) {
        const Pieces pieces(system, row, chunk);
        stage(scratch.x, system.x.at<X>(row, pieces.first, channel), system.x.stride[1], pieces.samples, count);
        stage(scratch.g, out.y_gradient.at<X>(row, pieces.first, channel), out.y_gradient.stride[1], pieces.samples,
              count);
        if (chunk > 0) {
            const int64_t next = pieces.first - diagonal_chunk;
            fetch_rows<T>(system.x.at<X>(row, next, channel), system.x.stride[1], diagonal_chunk);
            fetch_rows<T>(out.y_gradient.at<X>(row, next, channel), out.y_gradient.stride[1], diagonal_chunk);
        }
        fetch_rows<T>(out.x_gradient.at<X>(row, pieces.first, channel), out.x_gradient.stride[1], pieces.samples);
        const T* state = problem.saved_state(out.saved, row, chunk, strip);
        for (int at = 0; at < L && pieces.samples > 0; at += width<T>) {
            Vec<T> sum = zero<T>();
            for (int64_t k = 0; k < pieces.samples; ++k) {
                const Vec<T> g = load(scratch.g + k * L + at);
                sum += g * load(scratch.x + k * L + at);
                store(scratch.dx + k * L + at, g * load(D + at));
            }
            join(dD + at, dD + L + at, sum);
            in_blocks<backward_pairs_at_once>(pairs, [&](auto size, int64_t p) {
                const int64_t row_p = p * coefficient_rows * L + at, state_p = p * 2 * L + at;
                backward_pairs<Folded, decltype(size)::value>(
                    pieces,
                    Block<T>{known + row_p, state + state_p, scratch.x + at, scratch.g + at, scratch.dx + at,
                             carried + state_p, sums + row_p, lost + row_p, scratch.before},
                    Folded && chunk == end ? last + state_p : nullptr);
            });
        }
        X* to = out.x_gradient.at<X>(row, pieces.first, channel);
        const int64_t stride = out.x_gradient.stride[1];
        unstage(to, stride, scratch.dx, pieces.samples, count);
        const int64_t beyond = chunk_samples(system.x.shape[1], chunk) - pieces.samples;
        blank(to + pieces.samples * stride, stride, beyond, count);
    }
    if (!Folded)
        unstage_pairs(out.initial_gradient.complex_at<T>(row, channel), out.initial_gradient.stride[1], carried,
                      pairs, count);
}

template <bool Folded, class T, class X>
void backward_task(const void* context, int64_t index, void* memory) {
    const auto& work = *static_cast<const Work<T>*>(context);
    auto& scratch = *static_cast<Scratch<T>*>(memory);
    constexpr int L = lanes<T>;
    const int64_t pairs = work.problem.pairs;
    const int64_t group = index / work.problem.strips, strip = index % work.problem.strips;
    const int64_t batch = work.problem.system.x.shape[0], many = groups(batch), size = pairs * coefficient_rows * L;
    T *sums = scratch.sums(pairs), *lost = scratch.lost(pairs), dD[2 * L] = {};
    for (int64_t i = 0; i < size; ++i) sums[i] = lost[i] = 0;
    for (int64_t row = group * batch / many; row < (group + 1) * batch / many; ++row)
        backward_row<Folded, T, X>(work, row, strip, scratch, dD);
    T* partial = work.sums(group, strip);
    for (int64_t i = 0; i < size; ++i) partial[i] = sums[i] + lost[i];
    for (int64_t lane = 0; lane < L; ++lane) partial[size + lane] = dD[lane] + dD[L + lane];
}

// The parameters' gradients of one strip: the sums of all groups, and what dW means for C and B̄.
template <bool Folded, class T>
void parameters_task(const void* context, int64_t strip, void*) {
    const auto& work = *static_cast<const Work<T>*>(context);
    const DiagonalBackward& out = work.out;
    constexpr int L = lanes<T>;
    const int64_t pairs = work.problem.pairs, size = (pairs * coefficient_rows + 1) * L;
    T* total = work.sums(0, strip);
    for (int64_t group = 1; group < groups(work.problem.system.x.shape[0]); ++group) {
        const T* part = work.sums(group, strip);
        for (int64_t i = 0; i < size; ++i) total[i] += part[i];
    }
    const DiagonalSystem& system = work.problem.system;
    for (int64_t lane = 0; lane < work.problem.channels(strip); ++lane) {
        const int64_t channel = strip * L + lane;
        *out.D_gradient.at<T>(channel) = total[pairs * coefficient_rows * L + lane];
        for (int64_t p = 0; p < pairs; ++p) {
            const T* sum = total + p * coefficient_rows * L + lane;
            const T w_re = 2 * sum[W_re * L], w_im = 2 * sum[W_im * L];
            T b_re = sum[B_re * L], b_im = sum[B_im * L], c_re = w_re, c_im = w_im;
            if (Folded) {  // W = 2 C B̄
                const T* B = system.B_bar.complex_at<T>(channel) + 2 * p;
                const T* C = system.C.complex_at<T>(channel) + 2 * p;
                c_re = B[0] * w_re + B[1] * w_im, c_im = B[0] * w_im - B[1] * w_re;
                b_re += C[0] * w_re + C[1] * w_im, b_im += C[0] * w_im - C[1] * w_re;
            }
            auto write = [&](const Array& to, T re, T im) {
                T* number = to.complex_at<T>(channel) + 2 * p;
                number[0] = re, number[1] = im;
            };
            write(out.A_gradient, sum[A_re * L], sum[A_im * L]);
            write(out.B_gradient, b_re, b_im);
            write(out.C_gradient, c_re, c_im);
        }
    }
}

template <bool Folded, class T>
void run(const DiagonalBackward& out) {
    const DiagonalSystem& system = out.system;
    const Memory coefficients(Problem<T>::bytes(system));
    prepare(system, Folded, static_cast<T*>(coefficients.data));
    const Problem<T> problem{system, static_cast<const T*>(coefficients.data)};
    const int64_t many = groups(system.x.shape[0]);
    const Memory partial(many * problem.strips * (problem.pairs * coefficient_rows + 1) * 64);
    const Work<T> work{problem, out, static_cast<T*>(partial.data)};
    with_type<T>(system.x.type, [&](auto* x) {
        run_tasks(many * problem.strips, system.threads, Scratch<T>::bytes(problem.pairs),
                  backward_task<Folded, T, Pointed<decltype(x)>>, &work);
    });
    run_tasks(problem.strips, system.threads, 0, parameters_task<Folded, T>, &work);
}

template <class T>
void run(const DiagonalBackward& out) {
    if (out.system.initial_state.given())
        run<false, T>(out);
    else
        run<true, T>(out);
}

}  // namespace

void diagonal_constant_backward(const DiagonalBackward& out) {
    if (out.system.C.type == Type::complex64)
        run<float>(out);
    else
        run<double>(out);
}

}  // namespace clew::CLEW_ISA
