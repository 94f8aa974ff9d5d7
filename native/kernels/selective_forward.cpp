// Sequential in time, vectors across channels. A chunk of samples of a strip of channels stays in L1 while some
// states at a time run over it in registers.
#include "core/threads.h"
#include "kernels/selective_parts.h"

namespace clew::CLEW_ISA {
namespace {

template <class T>
struct Scratch {
    T *A, *A_most, *state, *B, *C, *delta, *input, *y, *bias, *D;

    CLEW_INLINE Scratch(Room<T>& room, int64_t strips, int64_t states) {
        A = room.take(strips * states * lanes<T>), state = room.take(strips * states * lanes<T>);
        A_most = room.take(strips * lanes<T>);
        B = room.take(scan_chunk * states), C = room.take(scan_chunk * states);
        delta = room.take(scan_chunk * lanes<T>), input = room.take(scan_chunk * lanes<T>);
        y = room.take(scan_chunk * lanes<T>);
        bias = room.take(lanes<T>), D = room.take(lanes<T>);
    }
};

// S states of one vector of channels over a chunk: adds C · h to y. A and state are rows of channels.
template <bool bounded, int S, class T>
CLEW_INLINE void run_states(Scratch<T> rows, const Pieces& pieces, const T* A, T* state, int64_t states,
                            int64_t n, int64_t channel) {
    Vec<T> h[S];
    CLEW_UNROLL for (int s = 0; s < S; ++s) h[s] = load(state + s * lanes<T>);
    for (int64_t piece = 0; piece < pieces.count; ++piece) {
        if (pieces.forgets(piece)) CLEW_UNROLL for (int s = 0; s < S; ++s) h[s] = zero<T>();
        for (int64_t k = pieces.begin(piece); k < pieces.end[piece]; ++k) {
            const T *B = rows.B + k * states + n, *C = rows.C + k * states + n;
            const int64_t place = k * lanes<T> + channel;
            const Vec<T> delta = load(rows.delta + place), input = load(rows.input + place);
            Vec<T> even = load(rows.y + place), odd = zero<T>();
            CLEW_UNROLL for (int s = 0; s < S; ++s) {
                const Vec<T> decay = exp2_of_product<bounded, T>(delta, load(A + s * lanes<T>));
                h[s] = h[s] * decay + input * B[s];
                (s % 2 ? odd : even) += h[s] * C[s];
            }
            store(rows.y + place, even + odd);
        }
    }
    CLEW_UNROLL for (int s = 0; s < S; ++s) store(state + s * lanes<T>, h[s]);
}

// Rows of a strip before its states run over them; whether their exponents are bounded.
template <class T, class X, bool softened>
CLEW_INLINE bool prepare(const SelectiveForward& out, Scratch<T> rows, const SelectivePart<T>& here, int64_t strip,
                         const Pieces& pieces) {
    const SelectiveScan& scan = out.scan;
    const Lines<const T> given_dt = lines_of<X>(scan.dt, rows.delta, here, strip, pieces);
    const Lines<const T> given_x = lines_of<X>(scan.x, rows.input, here, strip, pieces);
    here.read(rows.bias, scan.dt_bias, strip);
    here.read(rows.D, scan.D, strip);
    const Ahead<X> dt = rows_after<X>(scan.dt, here, strip, pieces, 1), y = rows_of<X>(out.y, here, strip, pieces);
    const Ahead<X> signal = rows_after<X>(scan.x, here, strip, pieces, 1);
    const Ahead<X> z = scan.z.given() ? rows_after<X>(scan.z, here, strip, pieces, 1) : dt;
    Vec<T> most[vectors<T>] = {};
    each_vector<T>(pieces.samples, [&](int64_t place, int v) {
        const int64_t lane = v * width<T>, k = place / lanes<T>;
        if (v == 0) dt.fetch(k), signal.fetch(k), z.fetch(k), y.fetch(k);
        const Vec<T> x = load(given_x.at(place));
        Vec<T> delta = load(given_dt.at(place)) + load(rows.bias + lane);
        if (softened) delta = softplus<T>(delta, exp_of_minus_absolute<T>(delta));
        most[v] = maximum(magnitude<T>(delta), most[v]);
        store(rows.delta + place, delta);
        store(rows.input + place, delta * x);
        store(rows.y + place, load(rows.D + lane) * x);
    });
    return bounded<T>(most, rows.A_most + strip * lanes<T>);
}

// y of a strip, after all states have run.
template <class T, class X>
CLEW_INLINE void finish(const SelectiveForward& out, Scratch<T> rows, const SelectivePart<T>& here, int64_t strip,
                        const Pieces& pieces) {
    const SelectiveScan& scan = out.scan;
    if (!scan.z.given()) return unstage_signal<X>(out.y, rows.y, here, strip, pieces);
    const Lines<const T> given_z = lines_of<X>(scan.z, rows.input, here, strip, pieces);
    const Lines<T> y = lines_for<X>(out.y, rows.y, here, strip, pieces);
    each_vector<T>(pieces.samples, [&](int64_t place, int) {
        const Vec<T> z = load(given_z.at(place));
        store(y.at(place), load(rows.y + place) * z * logistic<T>(z));
    });
    bring_back<X>(out.y, rows.y, here, strip, pieces);
}

template <class T, class X>
void forward_task(const void* context, int64_t index, void* memory) {
    const auto& out = *static_cast<const SelectiveForward*>(context);
    const SelectiveScan& scan = out.scan;
    const SelectivePart<T> here(scan, index);
    Room<T> room{static_cast<T*>(memory)};
    const Scratch<T> rows(room, here.strips, here.states);
    const int64_t size = here.states * lanes<T>;
    for (int64_t strip = 0; strip < here.strips; ++strip) {
        const int64_t channel = here.channel(strip);
        here.read(rows.A + strip * size, scan.A, scan.A.at<T>(channel), scan.A.stride[0], strip, T(log2_e));
        largest_of_states(rows.A_most + strip * lanes<T>, rows.A + strip * size, here.states);
        here.read(rows.state + strip * size, scan.initial_state, scan.initial_state.at<T>(here.row, channel),
                  scan.initial_state.stride[1], strip, 1);
    }
    for (int64_t chunk = 0; chunk < scan.chunks(); ++chunk) {
        const Pieces pieces(scan, here.row, chunk);
        stage_matrix<T, X>(rows.B, scan.B, here.row, here.group, pieces);
        stage_matrix<T, X>(rows.C, scan.C, here.row, here.group, pieces);
        for (int64_t strip = 0; strip < here.strips; ++strip) {
            T *A = rows.A + strip * size, *state = rows.state + strip * size;
            if (out.saved.given()) {
                T* kept = here.kept(out.saved, chunk, strip);
                each_vector<T>(here.states, [&](int64_t place, int) { store(kept + place, load(state + place)); });
            }
            const auto run_all = [&](auto bounded) {
                for (int64_t channel = 0; channel < lanes<T>; channel += width<T>) {
                    int64_t n = 0;
                    const auto run = [&](auto block) {
                        constexpr int S = decltype(block)::states;
                        for (; n + S <= here.states; n += S)
                            run_states<decltype(bounded)::is, S>(rows, pieces, A + n * lanes<T> + channel,
                                                                 state + n * lanes<T> + channel, here.states, n, channel);
                    };
                    run(Block<forward_block>{});
                    run(Block<4>{});
                    run(Block<1>{});
                }
            };
            const bool bounded = scan.dt_softplus ? prepare<T, X, true>(out, rows, here, strip, pieces)
                                                  : prepare<T, X, false>(out, rows, here, strip, pieces);
            if (bounded)
                run_all(Flag<true>{});
            else
                run_all(Flag<false>{});
            finish<T, X>(out, rows, here, strip, pieces);
        }
    }
    for (int64_t strip = 0; strip < here.strips; ++strip)
        here.write(out.final_state.at<T>(here.row, here.channel(strip)), out.final_state.stride[1],
                   rows.state + strip * size, strip);
}

template <class T>
void run(const SelectiveForward& out) {
    const SelectiveScan& scan = out.scan;
    Room<T> room{nullptr};
    Scratch<T>(room, SelectivePart<T>::most_strips(scan), scan.states());
    with_type<T>(scan.x.type, [&](auto* x) {
        run_tasks(SelectivePart<T>::tasks(scan), scan.threads, room.used * sizeof(T),
                  forward_task<T, Pointed<decltype(x)>>, &out);
    });
}

}  // namespace

void selective_scan_forward(const SelectiveForward& out) {
    if (out.scan.A.type == Type::float32)
        run<float>(out);
    else
        run<double>(out);
}

}  // namespace clew::CLEW_ISA
