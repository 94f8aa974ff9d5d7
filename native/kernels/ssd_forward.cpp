// Sequential in time, vectors across the channels of a head. A chunk of samples of a strip of channels stays in L1
// while some states at a time run over it in registers.
#include "core/threads.h"
#include "kernels/scan_parts.h"
#include "kernels/ssd.h"

namespace clew::CLEW_ISA {
namespace {

template <class T>
struct Scratch {
    T *state, *B, *C, *input, *y;

    CLEW_INLINE Scratch(Room<T>& room, int64_t strips, int64_t states) {
        state = room.take(strips * states * lanes<T>);
        B = room.take(scan_chunk * states), C = room.take(scan_chunk * states);
        input = room.take(scan_chunk * lanes<T>), y = room.take(scan_chunk * lanes<T>);
    }
};

// S states of one vector of channels over a chunk: adds h C to y. state is rows of channels, decay one number a sample.
template <int S, class T>
CLEW_INLINE void run_states(const Scratch<T>& rows, const Pieces& pieces, const T* decay, int64_t stride, T* state,
                            int64_t states, int64_t n, int64_t channel) {
    Vec<T> h[S];
    CLEW_UNROLL for (int s = 0; s < S; ++s) h[s] = load(state + s * lanes<T>);
    for (int64_t piece = 0; piece < pieces.count; ++piece) {
        if (pieces.forgets(piece)) CLEW_UNROLL for (int s = 0; s < S; ++s) h[s] = zero<T>();
        for (int64_t k = pieces.begin(piece); k < pieces.end[piece]; ++k) {
            const T *B = rows.B + k * states + n, *C = rows.C + k * states + n;
            const int64_t place = k * lanes<T> + channel;
            const Vec<T> kept = broadcast(decay[k * stride]), input = load(rows.input + place);
            Vec<T> even = load(rows.y + place), odd = zero<T>();
            CLEW_UNROLL for (int s = 0; s < S; ++s) {
                h[s] = h[s] * kept + input * B[s];
                (s % 2 ? odd : even) += h[s] * C[s];
            }
            store(rows.y + place, even + odd);
        }
    }
    CLEW_UNROLL for (int s = 0; s < S; ++s) store(state + s * lanes<T>, h[s]);
}

template <class T, class X>
void forward_task(const void* context, int64_t index, void* memory) {
    const auto& out = *static_cast<const SsdForward*>(context);
    const Ssd& scan = out.scan;
    const Part<T, Ssd> here(scan, index);
    Room<T> room{static_cast<T*>(memory)};
    const Scratch<T> rows(room, here.strips, here.states);
    const int64_t size = here.states * lanes<T>;
    for (int64_t strip = 0; strip < here.strips; ++strip)
        here.read(rows.state + strip * size, scan.initial_state,
                  scan.initial_state.at<T>(here.row, here.channel(strip)), scan.initial_state.stride[1], strip, 1);
    for (int64_t chunk = 0; chunk < scan.chunks(); ++chunk) {
        const Pieces pieces(scan, here.row, chunk);
        stage_matrix<T, X>(rows.B, scan.B, here.row, here.group, pieces);
        stage_matrix<T, X>(rows.C, scan.C, here.row, here.group, pieces);
        for (int64_t strip = 0; strip < here.strips; ++strip) {
            T* state = rows.state + strip * size;
            if (out.saved.given()) {
                T* kept = here.kept(out.saved, chunk, strip);
                each_vector<T>(here.states, [&](int64_t place, int) { store(kept + place, load(state + place)); });
            }
            const int64_t head = here.channel(strip) / scan.unit();
            const T* delta = scan.delta.at<T>(here.row, pieces.first, head);
            const T* decay = scan.decay.at<T>(here.row, pieces.first, head);
            const T D = scan.D.given() ? *scan.D.at<T>(head) : T{0};
            const Lines<const T> given_x = lines_of<X>(scan.x, rows.input, here, strip, pieces);
            each_vector<T>(pieces.samples, [&](int64_t place, int) {
                const Vec<T> x = load(given_x.at(place));
                store(rows.input + place, x * delta[place / lanes<T> * scan.delta.stride[1]]);
                store(rows.y + place, x * D);
            });
            for (int64_t channel = 0; channel < lanes<T>; channel += width<T>) {
                int64_t n = 0;
                const auto run = [&](auto block) {
                    constexpr int S = decltype(block)::states;
                    for (; n + S <= here.states; n += S)
                        run_states<S>(rows, pieces, decay, scan.decay.stride[1], state + n * lanes<T> + channel,
                                      here.states, n, channel);
                };
                run(Block<forward_block>{});
                run(Block<4>{});
                run(Block<1>{});
            }
            unstage_signal<X>(out.y, rows.y, here, strip, pieces);
        }
    }
    for (int64_t strip = 0; strip < here.strips; ++strip)
        here.write(out.final_state.at<T>(here.row, here.channel(strip)), out.final_state.stride[1],
                   rows.state + strip * size, strip);
}

template <class T>
void run(const SsdForward& out) {
    const Ssd& scan = out.scan;
    Room<T> room{nullptr};
    Scratch<T>(room, Part<T, Ssd>::most_strips(scan), scan.states());
    with_type<T>(scan.x.type, [&](auto* x) {
        run_tasks(Part<T, Ssd>::tasks(scan), scan.threads, room.used * sizeof(T),
                  forward_task<T, Pointed<decltype(x)>>, &out);
    });
}

}  // namespace

void ssd_forward(const SsdForward& out) {
    if (out.scan.delta.type == Type::float32)
        run<float>(out);
    else
        run<double>(out);
}

}  // namespace clew::CLEW_ISA
