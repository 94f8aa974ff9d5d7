// With λ[k] the gradient of everything by h[k], and g that of h C + D x:
//     λ[k] = g[k] C[k]ᵀ + e[k+1] λ[k+1],    dB[k] = Σ λ[k] Δ[k] x[k],    dC[k] = Σ g[k] h[k]  (over channels),
//     d(Δ x)[k] = λ[k] B[k],    d(log e)[k] = Σ λ[k] e[k] h[k−1]  (over channels and states).
// Chunks go from the last to the first. A chunk's states are computed again, some at a time, head after head: what is
// summed over channels is summed as vectors, which stay in L1 while a head's strips add to them.
#include "core/threads.h"
#include "kernels/scan_sums.h"
#include "kernels/ssd.h"

namespace clew::CLEW_ISA {
namespace {

// What a strip has while its states run over a chunk: rows of channels, one for each sample.
template <class T>
struct Rows {
    static constexpr int64_t size = scan_chunk * lanes<T>;
    static constexpr int count = 4;
    T *x, *input, *gradient, *by_input;

    CLEW_INLINE explicit Rows(T* memory)
        : x(memory), input(x + size), gradient(input + size), by_input(gradient + size) {}
};

template <class T>
struct Scratch {
    // Of all strips: rows of channels, one for each state; then one. Of a head's strips: their samples.
    T *carried, *D_sum, *D_lost, *samples;
    // Of a block of states: before the first sample and after each. Of a chunk: what its sums over channels are of.
    T *B, *C, *states, *B_terms, *C_terms;
    // Of a head: what the sums of its samples are of, a vector each.
    T *by_delta, *by_exponent;

    CLEW_INLINE Scratch(Room<T>& room, int64_t strips, int64_t strips_of_head, int64_t many) {
        carried = room.take(strips * many * lanes<T>);
        D_sum = room.take(strips * lanes<T>), D_lost = room.take(strips * lanes<T>);
        samples = room.take(strips_of_head * Rows<T>::count * Rows<T>::size);
        B = room.take(scan_chunk * many), C = room.take(scan_chunk * many);
        states = room.take((scan_chunk + 1) * backward_block * width<T>);
        B_terms = room.take((scan_chunk * many + width<T>) * width<T>);
        C_terms = room.take((scan_chunk * many + width<T>) * width<T>);
        by_delta = room.take(scan_chunk * width<T>), by_exponent = room.take(scan_chunk * width<T>);
    }
    CLEW_INLINE Rows<T> rows(int64_t strip) const {
        return Rows<T>(samples + strip * Rows<T>::count * Rows<T>::size);
    }
};

// One number for each sample of a chunk.
template <class T>
struct Course {
    T* first;
    int64_t stride;
    CLEW_INLINE T& operator[](int64_t k) const { return first[k * stride]; }
};

// S states of one vector of channels over a chunk, there and back.
template <int S, class T>
CLEW_INLINE void run_states(const Scratch<T>& scratch, const Rows<T>& rows, const Pieces& pieces, Course<T> decay,
                            const T* before, T* carry, int64_t states, int64_t n, int64_t channel) {
    constexpr int W = width<T>;
    Vec<T> h[S];
    CLEW_UNROLL for (int s = 0; s < S; ++s) h[s] = load(before + s * lanes<T>);
    CLEW_UNROLL for (int s = 0; s < S; ++s) store(scratch.states + s * W, h[s]);
    for (int64_t piece = 0; piece < pieces.count; ++piece) {
        if (pieces.forgets(piece)) CLEW_UNROLL for (int s = 0; s < S; ++s) h[s] = zero<T>();
        for (int64_t k = pieces.begin(piece); k < pieces.end[piece]; ++k) {
            const T* B = scratch.B + k * states + n;
            const Vec<T> kept = broadcast(decay[k]), input = load(rows.input + k * lanes<T> + channel);
            T* after = scratch.states + (k + 1) * S * W;
            CLEW_UNROLL for (int s = 0; s < S; ++s) {
                h[s] = h[s] * kept + input * B[s];
                store(after + s * W, h[s]);
            }
        }
    }
    Vec<T> carried[S];
    CLEW_UNROLL for (int s = 0; s < S; ++s) carried[s] = load(carry + s * lanes<T>);
    const auto sample = [&](int64_t k, auto begins) __attribute__((always_inline)) {
        constexpr bool forgets = decltype(begins)::is;  // nothing comes from the state before
        const T *B = scratch.B + k * states + n, *C = scratch.C + k * states + n;
        const int64_t at = k * lanes<T> + channel, term = (n * scan_chunk + k * S) * W;
        const Vec<T> input = load(rows.input + at), gradient = load(rows.gradient + at), kept = broadcast(decay[k]);
        Vec<T> by_input = load(rows.by_input + at), by_exponent = zero<T>();
        const T* from = scratch.states + k * S * W;
        T *B_terms = scratch.B_terms + term, *C_terms = scratch.C_terms + term;
        CLEW_UNROLL for (int s = 0; s < S; ++s) {
            const Vec<T> adjoint = carried[s] + gradient * C[s];
            store(C_terms + s * W, load(C_terms + s * W) + gradient * h[s]);  // h is that after the sample
            store(B_terms + s * W, load(B_terms + s * W) + adjoint * input);
            by_input += adjoint * B[s];
            h[s] = load(from + s * W);
            carried[s] = forgets ? zero<T>() : adjoint * kept;
            if (!forgets) by_exponent += carried[s] * h[s];
        }
        store(rows.by_input + at, by_input);
        if (!forgets) store(scratch.by_exponent + k * W, load(scratch.by_exponent + k * W) + by_exponent);
    };
    for (int64_t piece = pieces.count - 1; piece >= 0; --piece) {
        const int64_t first = pieces.begin(piece), forgets = pieces.forgets(piece) ? 1 : 0;
        for (int64_t k = pieces.end[piece] - 1; k >= first + forgets; --k) sample(k, Flag<false>{});
        if (forgets) sample(first, Flag<true>{});
    }
    CLEW_UNROLL for (int s = 0; s < S; ++s) store(carry + s * lanes<T>, carried[s]);
}

// Rows of a strip before its states run over them.
template <class T, class X>
CLEW_INLINE void prepare(const SsdBackward& out, const Scratch<T>& scratch, const Rows<T>& rows,
                         const Part<T, Ssd>& here, int64_t strip, const Pieces& pieces, Course<T> delta) {
    const Lines<const T> given_x = lines_of<X>(out.scan.x, rows.x, here, strip, pieces);
    const Lines<const T> given_gradient = lines_of<X>(out.y_gradient, rows.gradient, here, strip, pieces);
    Vec<T> D_sum[vectors<T>] = {};
    each_vector<T>(pieces.samples, [&](int64_t place, int v) {
        const Vec<T> x = load(given_x.at(place)), gradient = load(given_gradient.at(place));
        D_sum[v] += gradient * x;
        store(rows.x + place, x);
        store(rows.gradient + place, gradient);
        store(rows.input + place, x * delta[place / lanes<T>]);
        store(rows.by_input + place, zero<T>());
    });
    add_to_totals(scratch.D_sum + strip * lanes<T>, scratch.D_lost + strip * lanes<T>, D_sum);
}

// What the strip's samples get, after all states have run.
template <class T, class X>
CLEW_INLINE void finish(const SsdBackward& out, const Scratch<T>& scratch, const Rows<T>& rows,
                        const Part<T, Ssd>& here, int64_t strip, const Pieces& pieces, Course<T> delta, T D) {
    const Lines<T> by_x = lines_for<X>(out.x_gradient, rows.by_input, here, strip, pieces);
    each_vector<T>(pieces.samples, [&](int64_t place, int) {
        const int64_t k = place / lanes<T>;
        const Vec<T> by_input = load(rows.by_input + place);
        T* by_delta = scratch.by_delta + k * width<T>;
        store(by_delta, load(by_delta) + load(rows.x + place) * by_input);
        store(by_x.at(place), by_input * delta[k] + load(rows.gradient + place) * D);
    });
    bring_back<X>(out.x_gradient, rows.by_input, here, strip, pieces);
}

// The sums of a chunk's vectors, one for each sample.
template <class T>
CLEW_INLINE void write_course(Course<T> to, const T* vectors, int64_t samples) {
    T numbers[width<T>];
    for (int64_t k = 0; k < samples; k += width<T>) {
        store(numbers, sums<T>(vectors + k * width<T>));
        for (int64_t j = k; j < k + width<T> && j < samples; ++j) to[j] = numbers[j - k];
    }
}

template <class T, class X>
CLEW_INLINE void run_head(const SsdBackward& out, const Scratch<T>& scratch, const Part<T, Ssd>& here, int64_t first,
                          int64_t chunk, const Pieces& pieces) {
    const Ssd& scan = out.scan;
    const int64_t strips = here.strips_of_unit(scan), head = here.channel(first) / scan.unit();
    const auto course = [&](const Array& array) {
        return Course<T>{array.at<T>(here.row, pieces.first, head), array.stride[1]};
    };
    const Course<T> delta = course(scan.delta), decay = course(scan.decay);
    for (int64_t i = 0; i < scan_chunk * width<T>; i += width<T>) {
        store(scratch.by_delta + i, zero<T>());
        store(scratch.by_exponent + i, zero<T>());
    }
    for (int64_t strip = 0; strip < strips; ++strip)
        prepare<T, X>(out, scratch, scratch.rows(strip), here, first + strip, pieces, delta);
    each_block(here.states, [&](auto block, int64_t n) {
        constexpr int S = decltype(block)::states;
        for (int64_t strip = 0; strip < strips; ++strip) {
            const T* before = here.kept(out.saved, chunk, first + strip) + n * lanes<T>;
            T* carry = scratch.carried + ((first + strip) * here.states + n) * lanes<T>;
            for (int64_t channel = 0; channel < lanes<T>; channel += width<T>)
                run_states<S>(scratch, scratch.rows(strip), pieces, decay, before + channel, carry + channel,
                              here.states, n, channel);
        }
    });
    const T D = scan.D.given() ? *scan.D.at<T>(head) : T{0};
    for (int64_t strip = 0; strip < strips; ++strip)
        finish<T, X>(out, scratch, scratch.rows(strip), here, first + strip, pieces, delta, D);
    write_course(course(out.delta_gradient), scratch.by_delta, pieces.samples);
    write_course(course(out.exponent_gradient), scratch.by_exponent, pieces.samples);
}

template <class T, class X>
void backward_task(const void* context, int64_t index, void* memory) {
    const auto& out = *static_cast<const SsdBackward*>(context);
    const Ssd& scan = out.scan;
    const Part<T, Ssd> here(scan, index);
    Room<T> room{static_cast<T*>(memory)};
    const Scratch<T> scratch(room, here.strips, here.strips_of_unit(scan), here.states);
    const int64_t size = here.states * lanes<T>;
    for (int64_t strip = 0; strip < here.strips; ++strip)
        here.read(scratch.carried + strip * size, out.final_gradient,
                  out.final_gradient.at<T>(here.row, here.channel(strip)), out.final_gradient.stride[1], strip, 1);
    for (int64_t i = 0; i < here.strips * lanes<T>; ++i) scratch.D_sum[i] = scratch.D_lost[i] = 0;
    for (int64_t chunk = scan.chunks() - 1; chunk >= 0; --chunk) {
        const Pieces pieces(scan, here.row, chunk);
        stage_matrix<T, X>(scratch.B, scan.B, here.row, here.group, pieces);
        stage_matrix<T, X>(scratch.C, scan.C, here.row, here.group, pieces);
        for (int64_t i = 0; i < (scan_chunk * here.states + width<T>) * width<T>; i += width<T>) {
            store(scratch.B_terms + i, zero<T>());
            store(scratch.C_terms + i, zero<T>());
        }
        for (int64_t first = 0; first < here.strips; first += here.strips_of_unit(scan))
            run_head<T, X>(out, scratch, here, first, chunk, pieces);
        write_sums(out.B_gradient, scratch.B_terms, here, pieces);
        write_sums(out.C_gradient, scratch.C_terms, here, pieces);
    }
    for (int64_t strip = 0; strip < here.strips; ++strip) {
        const int64_t channel = here.channel(strip);
        here.write(out.initial_gradient.at<T>(here.row, channel), out.initial_gradient.stride[1],
                   scratch.carried + strip * size, strip);
        T* D_gradient = out.D_gradient.at<T>(here.row, channel);
        for (int64_t lane = 0; lane < here.count(strip); ++lane)
            D_gradient[lane] = scratch.D_sum[strip * lanes<T> + lane] + scratch.D_lost[strip * lanes<T> + lane];
    }
}

template <class T>
void run(const SsdBackward& out) {
    using Here = Part<T, Ssd>;
    const Ssd& scan = out.scan;
    Room<T> room{nullptr};
    Scratch<T>(room, Here::most_strips(scan), Here::strips_of_unit(scan), scan.states());
    with_type<T>(scan.x.type, [&](auto* x) {
        run_tasks(Here::tasks(scan), scan.threads, room.used * sizeof(T), backward_task<T, Pointed<decltype(x)>>,
                  &out);
    });
}

}  // namespace

void ssd_backward(const SsdBackward& out) {
    if (out.scan.delta.type == Type::float32)
        run<float>(out);
    else
        run<double>(out);
}

}  // namespace clew::CLEW_ISA
