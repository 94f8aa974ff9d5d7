// With λ[k] the gradient of everything by h[k], and q[k] = λ[k] e[k] h[k−1] with e[k] = exp(Δ[k] A):
//     λ[k] = C[k] g[k] + e[k+1] λ[k+1],    dB[k] = Σ λ[k] Δ[k] x[k],    dC[k] = Σ g[k] h[k]  (over channels),
//     d(Δ x)[k] = λ[k] · B[k],    dΔ[k] = x[k] d(Δ x)[k] + q[k] · A,    dA = Σ Δ[k] q[k],
// where g is the gradient of C · h + D x. Chunks go from the last to the first. A chunk's states and decays are
// computed again, some states at a time. What is summed over channels is summed as vectors over the task's strips.
#include "core/threads.h"
#include "kernels/scan_sums.h"
#include "kernels/selective_parts.h"

namespace clew::CLEW_ISA {
namespace {

// What a strip has while its states run over a chunk: rows of channels, one for each sample.
template <class T>
struct Rows {
    static constexpr int64_t size = scan_chunk * lanes<T>;
    static constexpr int count = 9;
    T *x, *delta, *slope, *input, *gradient, *y, *by_y, *by_input, *by_exponent;

    CLEW_INLINE explicit Rows(T* memory)
        : x(memory), delta(x + size), slope(delta + size), input(slope + size), gradient(input + size),
          y(gradient + size), by_y(y + size), by_input(by_y + size), by_exponent(by_input + size) {}
};

template <class T>
struct Scratch {
    // Of all strips: rows of channels, one for each state; then one; then the samples.
    T *A, *A_most, *carried, *A_sum, *A_lost, *bias, *bias_sum, *bias_lost, *D, *D_sum, *D_lost, *samples;
    // Of a block of states: before the first sample and after each. Of a chunk: what its sums over channels are of.
    T *B, *C, *decays, *states, *B_terms, *C_terms;

    CLEW_INLINE Scratch(Room<T>& room, int64_t strips, int64_t many) {
        const int64_t matrix = strips * many * lanes<T>, row = strips * lanes<T>, block = backward_block * width<T>;
        A = room.take(matrix), carried = room.take(matrix), A_sum = room.take(matrix), A_lost = room.take(matrix);
        A_most = room.take(row), bias = room.take(row), bias_sum = room.take(row), bias_lost = room.take(row);
        D = room.take(row), D_sum = room.take(row), D_lost = room.take(row);
        samples = room.take(Rows<T>::count * Rows<T>::size);
        B = room.take(scan_chunk * many), C = room.take(scan_chunk * many);
        decays = room.take(scan_chunk * block), states = room.take((scan_chunk + 1) * block);
        B_terms = room.take((scan_chunk * many + width<T>) * width<T>);
        C_terms = room.take((scan_chunk * many + width<T>) * width<T>);
    }
};

// S states of one vector of channels over a chunk, there and back.
template <int S, bool gated, bool bounded, class T>
CLEW_INLINE void run_states(Scratch<T> scratch, Rows<T> rows, const Pieces& pieces, const T* before,
                            int64_t place, int64_t states, int64_t n, int64_t channel) {
    constexpr int W = width<T>;
    const T* A = scratch.A + place;
    {
        Vec<T> h[S];
        CLEW_UNROLL for (int s = 0; s < S; ++s) h[s] = load(before + s * lanes<T>);
        CLEW_UNROLL for (int s = 0; s < S; ++s) store(scratch.states + s * W, h[s]);
        for (int64_t piece = 0; piece < pieces.count; ++piece) {
            if (pieces.forgets(piece)) CLEW_UNROLL for (int s = 0; s < S; ++s) h[s] = zero<T>();
            for (int64_t k = pieces.begin(piece); k < pieces.end[piece]; ++k) {
                const T *B = scratch.B + k * states + n, *C = scratch.C + k * states + n;
                const int64_t at = k * lanes<T> + channel;
                const Vec<T> delta = load(rows.delta + at), input = load(rows.input + at);
                Vec<T> y = gated ? load(rows.y + at) : zero<T>();
                T *decays = scratch.decays + k * S * W, *after = scratch.states + (k + 1) * S * W;
                CLEW_UNROLL for (int s = 0; s < S; ++s) {
                    const Vec<T> decay = exp2_of_product<bounded, T>(delta, load(A + s * lanes<T>));
                    h[s] = h[s] * decay + input * B[s];
                    store(decays + s * W, decay);
                    store(after + s * W, h[s]);
                    if (gated) y += h[s] * C[s];
                }
                if (gated) store(rows.y + at, y);
            }
        }
    }
    Vec<T> carried[S], A_sum[S];
    CLEW_UNROLL for (int s = 0; s < S; ++s) {
        carried[s] = load(scratch.carried + place + s * lanes<T>);
        A_sum[s] = zero<T>();
    }
    const auto sample = [&](int64_t k, auto begins) __attribute__((always_inline)) {
        constexpr bool forgets = decltype(begins)::is;  // nothing comes from the state before
        const T *B = scratch.B + k * states + n, *C = scratch.C + k * states + n;
        const int64_t at = k * lanes<T> + channel, term = (n * scan_chunk + k * S) * W;
        const Vec<T> delta = load(rows.delta + at), input = load(rows.input + at);
        const Vec<T> gradient = load(rows.gradient + at);
        Vec<T> by_input = load(rows.by_input + at), by_exponent = load(rows.by_exponent + at);
        const T *decays = scratch.decays + k * S * W, *from = scratch.states + k * S * W, *after = from + S * W;
        T *B_terms = scratch.B_terms + term, *C_terms = scratch.C_terms + term;
        CLEW_UNROLL for (int s = 0; s < S; ++s) {
            const Vec<T> adjoint = carried[s] + gradient * C[s];
            store(C_terms + s * W, load(C_terms + s * W) + gradient * load(after + s * W));
            store(B_terms + s * W, load(B_terms + s * W) + adjoint * input);
            by_input += adjoint * B[s];
            carried[s] = forgets ? zero<T>() : adjoint * load(decays + s * W);
            if (forgets) continue;
            const Vec<T> exponent = carried[s] * load(from + s * W);
            by_exponent += exponent * load(A + s * lanes<T>);
            A_sum[s] += exponent * delta;
        }
        store(rows.by_input + at, by_input);
        store(rows.by_exponent + at, by_exponent);
    };
    for (int64_t piece = pieces.count - 1; piece >= 0; --piece) {
        const int64_t first = pieces.begin(piece), forgets = pieces.forgets(piece) ? 1 : 0;
        for (int64_t k = pieces.end[piece] - 1; k >= first + forgets; --k) sample(k, Flag<false>{});
        if (forgets) sample(first, Flag<true>{});
    }
    CLEW_UNROLL for (int s = 0; s < S; ++s) {
        const int64_t here = place + s * lanes<T>;
        store(scratch.carried + here, carried[s]);
        Total<T> total{load(scratch.A_sum + here), load(scratch.A_lost + here)};
        total.add(A_sum[s]);
        store(scratch.A_sum + here, total.value);
        store(scratch.A_lost + here, total.lost);
    }
}

// Rows of a strip before its states run over them; whether their exponents are bounded.
template <class T, class X, bool softened>
CLEW_INLINE bool prepare(const SelectiveBackward& out, Scratch<T> scratch, const SelectivePart<T>& here, int64_t strip,
                         const Pieces& pieces) {
    const SelectiveScan& scan = out.scan;
    const Rows<T> rows(scratch.samples);
    const bool gated = scan.z.given();
    const T *bias = scratch.bias + strip * lanes<T>, *D = scratch.D + strip * lanes<T>;
    const Lines<const T> given_dt = lines_of<X>(scan.dt, rows.delta, here, strip, pieces);
    const Lines<const T> given_x = lines_of<X>(scan.x, rows.x, here, strip, pieces);
    const Lines<const T> given_gradient = lines_of<X>(out.y_gradient, rows.gradient, here, strip, pieces);
    const Lines<const T> given_z = gated ? lines_of<X>(scan.z, rows.by_y, here, strip, pieces) : given_x;

    const Ahead<X> dt = rows_after<X>(scan.dt, here, strip, pieces, -1);
    const Ahead<X> signal = rows_after<X>(scan.x, here, strip, pieces, -1);
    const Ahead<X> by_y = rows_after<X>(out.y_gradient, here, strip, pieces, -1);
    const Ahead<X> z = gated ? rows_after<X>(scan.z, here, strip, pieces, -1) : dt;
    const Ahead<X> to_dt = rows_of<X>(out.dt_gradient, here, strip, pieces);
    const Ahead<X> to_x = rows_of<X>(out.x_gradient, here, strip, pieces);
    const Ahead<X> to_z = gated ? rows_of<X>(out.z_gradient, here, strip, pieces) : to_x;

    Vec<T> D_sum[vectors<T>] = {}, most[vectors<T>] = {};
    each_vector<T>(pieces.samples, [&](int64_t place, int v) {
        const int64_t lane = v * width<T>, k = place / lanes<T>;
        if (v == 0) {
            dt.fetch(k), signal.fetch(k), by_y.fetch(k), z.fetch(k);
            to_dt.fetch(k), to_x.fetch(k), to_z.fetch(k);
        }
        const Vec<T> x = load(given_x.at(place));
        Vec<T> delta = load(given_dt.at(place)) + load(bias + lane), gradient = load(given_gradient.at(place));
        if (softened) {
            const Vec<T> u = exp_of_minus_absolute<T>(delta);
            store(rows.slope + place, logistic<T>(delta, u));
            delta = softplus<T>(delta, u);
        }
        if (gated) {
            // The derivative of silu(z) = z σ(z) is σ + z σ (1 − σ).
            const Vec<T> z = load(given_z.at(place)), open = logistic<T>(z), gate = z * open;
            store(rows.by_y + place, gradient * (open + gate * (1 - open)));
            gradient *= gate;
        }
        most[v] = maximum(magnitude<T>(delta), most[v]);
        D_sum[v] += gradient * x;
        store(rows.x + place, x);
        store(rows.gradient + place, gradient);
        store(rows.delta + place, delta);
        store(rows.input + place, delta * x);
        store(rows.y + place, load(D + lane) * x);
        store(rows.by_input + place, zero<T>());
        store(rows.by_exponent + place, zero<T>());
    });
    add_to_totals(scratch.D_sum + strip * lanes<T>, scratch.D_lost + strip * lanes<T>, D_sum);
    return bounded<T>(most, scratch.A_most + strip * lanes<T>);
}

// What the strip's samples get, after all states have run.
template <class T, class X>
CLEW_INLINE void finish(const SelectiveBackward& out, Scratch<T> scratch, const SelectivePart<T>& here, int64_t strip,
                        const Pieces& pieces) {
    const SelectiveScan& scan = out.scan;
    const Rows<T> rows(scratch.samples);
    const T* D = scratch.D + strip * lanes<T>;
    const bool softened = scan.dt_softplus;
    const Lines<T> by_x = lines_for<X>(out.x_gradient, rows.by_input, here, strip, pieces);
    const Lines<T> by_dt = lines_for<X>(out.dt_gradient, rows.by_exponent, here, strip, pieces);
    Vec<T> bias_sum[vectors<T>] = {};
    each_vector<T>(pieces.samples, [&](int64_t place, int v) {
        const int64_t lane = v * width<T>;
        const Vec<T> x = load(rows.x + place), by_input = load(rows.by_input + place);
        Vec<T> by_delta = x * by_input + load(rows.by_exponent + place) * T(ln_2);
        if (softened) by_delta *= load(rows.slope + place);
        bias_sum[v] += by_delta;
        const Vec<T> skipped = load(D + lane) * load(rows.gradient + place);
        store(by_x.at(place), load(rows.delta + place) * by_input + skipped);
        store(by_dt.at(place), by_delta);
    });
    bring_back<X>(out.x_gradient, rows.by_input, here, strip, pieces);
    bring_back<X>(out.dt_gradient, rows.by_exponent, here, strip, pieces);
    add_to_totals(scratch.bias_sum + strip * lanes<T>, scratch.bias_lost + strip * lanes<T>, bias_sum);
    if (!scan.z.given()) return;
    const Lines<T> by_z = lines_for<X>(out.z_gradient, rows.y, here, strip, pieces);
    each_vector<T>(pieces.samples, [&](int64_t place, int) {
        store(by_z.at(place), load(rows.by_y + place) * load(rows.y + place));
    });
    bring_back<X>(out.z_gradient, rows.y, here, strip, pieces);
}

template <class T, class X>
void backward_task(const void* context, int64_t index, void* memory) {
    const auto& out = *static_cast<const SelectiveBackward*>(context);
    const SelectiveScan& scan = out.scan;
    const SelectivePart<T> here(scan, index);
    Room<T> room{static_cast<T*>(memory)};
    const Scratch<T> scratch(room, here.strips, here.states);
    const int64_t size = here.states * lanes<T>;
    for (int64_t strip = 0; strip < here.strips; ++strip) {
        const int64_t channel = here.channel(strip);
        here.read(scratch.A + strip * size, scan.A, scan.A.at<T>(channel), scan.A.stride[0], strip, T(log2_e));
        largest_of_states(scratch.A_most + strip * lanes<T>, scratch.A + strip * size, here.states);
        here.read(scratch.carried + strip * size, out.final_gradient, out.final_gradient.at<T>(here.row, channel),
                  out.final_gradient.stride[1], strip, 1);
        here.read(scratch.bias + strip * lanes<T>, scan.dt_bias, strip);
        here.read(scratch.D + strip * lanes<T>, scan.D, strip);
    }
    for (int64_t i = 0; i < here.strips * size; ++i) scratch.A_sum[i] = scratch.A_lost[i] = 0;
    for (int64_t i = 0; i < here.strips * lanes<T>; ++i) {
        scratch.bias_sum[i] = scratch.bias_lost[i] = 0;
        scratch.D_sum[i] = scratch.D_lost[i] = 0;
    }
    for (int64_t chunk = scan.chunks() - 1; chunk >= 0; --chunk) {
        const Pieces pieces(scan, here.row, chunk);
        stage_matrix<T, X>(scratch.B, scan.B, here.row, here.group, pieces);
        stage_matrix<T, X>(scratch.C, scan.C, here.row, here.group, pieces);
        for (int64_t i = 0; i < (scan_chunk * here.states + width<T>) * width<T>; i += width<T>) {
            store(scratch.B_terms + i, zero<T>());
            store(scratch.C_terms + i, zero<T>());
        }
        for (int64_t strip = 0; strip < here.strips; ++strip) {
            const auto run_all = [&](auto gated, auto bounded) {
                const Rows<T> rows(scratch.samples);
                each_block(here.states, [&](auto block, int64_t n) {
                    constexpr int S = decltype(block)::states;
                    const T* before = here.kept(out.saved, chunk, strip) + n * lanes<T>;
                    const int64_t place = (strip * here.states + n) * lanes<T>;
                    for (int64_t channel = 0; channel < lanes<T>; channel += width<T>)
                        run_states<S, decltype(gated)::is, decltype(bounded)::is>(
                            scratch, rows, pieces, before + channel, place + channel, here.states, n, channel);
                });
            };
            const bool bounded = scan.dt_softplus ? prepare<T, X, true>(out, scratch, here, strip, pieces)
                                                  : prepare<T, X, false>(out, scratch, here, strip, pieces);
            if (scan.z.given())
                bounded ? run_all(Flag<true>{}, Flag<true>{}) : run_all(Flag<true>{}, Flag<false>{});
            else
                bounded ? run_all(Flag<false>{}, Flag<true>{}) : run_all(Flag<false>{}, Flag<false>{});
            finish<T, X>(out, scratch, here, strip, pieces);
        }
        write_sums(out.B_gradient, scratch.B_terms, here, pieces);
        write_sums(out.C_gradient, scratch.C_terms, here, pieces);
    }
    const auto write_total = [&](const Array& array, const T* sum, const T* lost, int64_t strip) {
        T* to = array.at<T>(here.row, here.channel(strip));
        for (int64_t lane = 0; lane < here.count(strip); ++lane)
            to[lane] = sum[strip * lanes<T> + lane] + lost[strip * lanes<T> + lane];
    };
    for (int64_t strip = 0; strip < here.strips; ++strip) {
        const int64_t channel = here.channel(strip);
        T *A_sum = scratch.A_sum + strip * size, *A_lost = scratch.A_lost + strip * size;
        for (int64_t i = 0; i < size; ++i) A_sum[i] += A_lost[i];
        here.write(out.A_gradient.at<T>(here.row, channel), out.A_gradient.stride[1], A_sum, strip);
        here.write(out.initial_gradient.at<T>(here.row, channel), out.initial_gradient.stride[1],
                   scratch.carried + strip * size, strip);
        write_total(out.D_gradient, scratch.D_sum, scratch.D_lost, strip);
        write_total(out.bias_gradient, scratch.bias_sum, scratch.bias_lost, strip);
    }
}

template <class T>
void run(const SelectiveBackward& out) {
    const SelectiveScan& scan = out.scan;
    Room<T> room{nullptr};
    Scratch<T>(room, SelectivePart<T>::most_strips(scan), scan.states());
    with_type<T>(scan.x.type, [&](auto* x) {
        run_tasks(SelectivePart<T>::tasks(scan), scan.threads, room.used * sizeof(T), backward_task<T, Pointed<decltype(x)>>,
                  &out);
    });
}

}  // namespace

void selective_scan_backward(const SelectiveBackward& out) {
    if (out.scan.A.type == Type::float32)
        run<float>(out);
    else
        run<double>(out);
}

}  // namespace clew::CLEW_ISA
