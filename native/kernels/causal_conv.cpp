// A chunk of samples of a strip of channels lies in L1, after the inputs before it; vectors run across channels.
#include "kernels/causal_conv.h"

#include "core/threads.h"
#include "simd/functions.h"
#include "simd/numbers.h"
#include "simd/strip.h"

namespace clew::CLEW_ISA {
namespace {

constexpr int64_t chunk = 32;
constexpr int64_t widest_task = 16;  // strips

// Some strips of one row.
template <class T>
struct Part {
    const CausalConv& conv;
    int64_t row, first, strips, past;

    CLEW_INLINE Part(const CausalConv& conv, int64_t index) : conv(conv), past(conv.weight.shape[0] - 1) {
        const int64_t most = strips_of_task(conv), all = CLEW_ISA::strips<T>(conv.x.shape[2]);
        const int64_t tasks = (all + most - 1) / most;
        row = index / tasks, first = index % tasks * most;
        strips = all - first < most ? all - first : most;
    }
    // Every channel is computed alike in whichever task: this may depend on the number of threads.
    static CLEW_INLINE int64_t strips_of_task(const CausalConv& conv) {
        const int64_t all = CLEW_ISA::strips<T>(conv.x.shape[2]);
        const int64_t share = all * conv.x.shape[0] / (4 * (conv.threads < 1 ? 1 : conv.threads));
        return share < 1 ? 1 : share < widest_task ? share : widest_task;
    }
    static CLEW_INLINE int64_t tasks(const CausalConv& conv) {
        const int64_t most = strips_of_task(conv);
        return conv.x.shape[0] * ((CLEW_ISA::strips<T>(conv.x.shape[2]) + most - 1) / most);
    }
    CLEW_INLINE int64_t channel(int64_t strip) const { return (first + strip) * lanes<T>; }
    CLEW_INLINE int64_t count(int64_t strip) const {
        const int64_t left = conv.x.shape[2] - channel(strip);
        return left < lanes<T> ? left : lanes<T>;
    }
};

// How many earlier inputs the samples of a chunk see: all `past`, or those since a sequence began.
struct Sight {
    int64_t first = 0, samples = 0, seen[chunk], latest;
    bool whole;

    CLEW_INLINE explicit Sight(int64_t past) : latest(past), whole(true) {}

    CLEW_INLINE void move_to(const CausalConv& conv, int64_t row, int64_t start) {
        const int64_t past = conv.weight.shape[0] - 1, left = conv.x.shape[1] - start;
        first = start, samples = left < chunk ? left : chunk, whole = true;
        for (int64_t k = 0; k < samples; ++k) {
            const bool begins = conv.reset.given() && *conv.reset.at<bool>(row, first + k);
            if (begins)
                latest = 0;
            else if ((k > 0 || first > 0) && latest < past)
                ++latest;
            seen[k] = latest;
            whole = whole && latest == past;
        }
    }
};

// The rows of a strip: inputs, `past` of them before the chunk; what its samples have; its taps.
template <class T>
struct Rows {
    T *x, *y, *gradient, *x_gradient, *weight, *bias, *sums, *lost;

    CLEW_INLINE Rows(T* memory, int64_t past) {
        const int64_t samples = (past + chunk) * lanes<T>, taps = (past + 2) * lanes<T>;
        x = memory, x_gradient = x + samples, y = x_gradient + samples, gradient = y + chunk * lanes<T>;
        weight = gradient + chunk * lanes<T>, bias = weight + taps - lanes<T>;
        sums = weight + taps, lost = sums + taps;  // of the taps and the bias
    }
    static CLEW_INLINE int64_t size(int64_t past) {
        return (2 * (past + chunk) + 2 * chunk + 3 * (past + 2)) * lanes<T>;
    }
};

template <class T, class X>
CLEW_INLINE void begin(const Part<T>& here, const Rows<T>& rows, int64_t strip) {
    const CausalConv& conv = here.conv;
    const int64_t channel = here.channel(strip), count = here.count(strip);
    stage<T>(rows.weight, conv.weight.at<const T>(0, channel), conv.weight.stride[0], here.past + 1, count);
    for (int64_t lane = 0; lane < lanes<T>; ++lane)
        rows.bias[lane] = conv.bias.given() && lane < count ? *conv.bias.at<T>(channel + lane) : 0;
    if (conv.initial_state.given())
        stage<T>(rows.x, conv.initial_state.at<const T>(here.row, 0, channel), conv.initial_state.stride[1], here.past,
                 count);
    else
        for (int64_t i = 0; i < here.past * lanes<T>; ++i) rows.x[i] = 0;
    for (int64_t i = 0; i < here.past * lanes<T>; ++i) rows.x_gradient[i] = 0;
    for (int64_t i = 0; i < (here.past + 2) * lanes<T>; ++i) rows.sums[i] = rows.lost[i] = 0;
}

// The last rows of a chunk become those before the next one.
template <class T>
CLEW_INLINE void move_on(T* rows, int64_t samples, int64_t past) {
    for (int64_t i = 0; i < past * lanes<T>; i += width<T>) store(rows + i, load(rows + samples * lanes<T> + i));
}

// The convolution before the activation, to rows.y. Taps is their number where it is known, else 0.
template <int Taps, class T>
CLEW_INLINE void convolve(const Rows<T>& rows, const Sight& sight, int64_t past) {
    const int64_t taps = Taps > 0 ? Taps : past + 1;
    for (int64_t lane = 0; lane < lanes<T>; lane += width<T>)
        for (int64_t k = 0; k < sight.samples; ++k) {
            Vec<T> y = load(rows.bias + lane);
            const T* x = rows.x + k * lanes<T> + lane;
            for (int64_t j = sight.whole ? 0 : past - sight.seen[k]; j < taps; ++j)
                y += load(rows.weight + j * lanes<T> + lane) * load(x + j * lanes<T>);
            store(rows.y + k * lanes<T> + lane, y);
        }
}

template <class T>
CLEW_INLINE void convolve(const Rows<T>& rows, const Sight& sight, int64_t past) {
    if (past == 3 && sight.whole)
        convolve<4>(rows, sight, past);
    else
        convolve<0>(rows, sight, past);
}

template <class T, class Run>
CLEW_INLINE void each_vector(int64_t samples, Run run) {
    for (int64_t place = 0; place < samples * lanes<T>; place += width<T>) run(place);
}

template <class T, class X>
void forward_task(const void* context, int64_t index, void* memory) {
    const auto& out = *static_cast<const CausalConvForward*>(context);
    const CausalConv& conv = out.conv;
    const Part<T> here(conv, index);
    const auto rows_of = [&](int64_t strip) {
        return Rows<T>(static_cast<T*>(memory) + strip * Rows<T>::size(here.past), here.past);
    };
    for (int64_t strip = 0; strip < here.strips; ++strip) begin<T, X>(here, rows_of(strip), strip);
    Sight sight(here.past);
    for (int64_t start = 0; start < conv.x.shape[1]; start += chunk) {
        sight.move_to(conv, here.row, start);
        for (int64_t strip = 0; strip < here.strips; ++strip) {
            const Rows<T> rows = rows_of(strip);
            const int64_t channel = here.channel(strip), count = here.count(strip);
            stage<T>(rows.x + here.past * lanes<T>, conv.x.at<const X>(here.row, start, channel), conv.x.stride[1],
                     sight.samples, count);
            convolve(rows, sight, here.past);
            if (conv.silu)
                each_vector<T>(sight.samples, [&](int64_t place) {
                    const Vec<T> y = load(rows.y + place);
                    store(rows.y + place, y * logistic<T>(y));
                });
            unstage<T>(out.y.at<X>(here.row, start, channel), out.y.stride[1], rows.y, sight.samples, count);
            move_on(rows.x, sight.samples, here.past);
        }
    }
}

// The gradient of each input that the chunk meets, and of the taps: sums over the chunk, then added to a Total.
template <class T>
CLEW_INLINE void spread(const Rows<T>& rows, const Sight& sight, int64_t past) {
    for (int64_t i = past * lanes<T>; i < (past + sight.samples) * lanes<T>; i += width<T>)
        store(rows.x_gradient + i, zero<T>());
    for (int64_t lane = 0; lane < lanes<T>; lane += width<T>) {
        const auto add = [&](int64_t tap, Vec<T> term) {
            const int64_t at = tap * lanes<T> + lane;
            Total<T> total{load(rows.sums + at), load(rows.lost + at)};
            total.add(term);
            store(rows.sums + at, total.value);
            store(rows.lost + at, total.lost);
        };
        for (int64_t j = 0; j <= past; ++j) {
            const Vec<T> weight = load(rows.weight + j * lanes<T> + lane);
            Vec<T> sum = zero<T>();
            for (int64_t k = 0; k < sight.samples; ++k) {
                if (!sight.whole && past - j > sight.seen[k]) continue;
                const Vec<T> gradient = load(rows.gradient + k * lanes<T> + lane);
                const int64_t at = (k + j) * lanes<T> + lane;
                sum += gradient * load(rows.x + at);
                store(rows.x_gradient + at, load(rows.x_gradient + at) + gradient * weight);
            }
            add(j, sum);
        }
        Vec<T> sum = zero<T>();
        for (int64_t k = 0; k < sight.samples; ++k) sum += load(rows.gradient + k * lanes<T> + lane);
        add(past + 1, sum);
    }
}

// Rows of x_gradient that nothing is added to any more, the first of sample start − past.
template <class T, class X>
CLEW_INLINE void write(const CausalConvBackward& out, const Part<T>& here, const Rows<T>& rows, int64_t strip,
                       int64_t start, int64_t samples) {
    const int64_t channel = here.channel(strip), count = here.count(strip), before = here.past - start;
    const int64_t initial = before < 0 ? 0 : before < samples ? before : samples;
    const Array &state = out.initial_gradient, &x = out.x_gradient;
    if (initial > 0)
        unstage<T>(state.at<T>(here.row, start, channel), state.stride[1], rows.x_gradient, initial, count);
    if (initial < samples)
        unstage<T>(x.at<X>(here.row, start - here.past + initial, channel), x.stride[1],
                   rows.x_gradient + initial * lanes<T>, samples - initial, count);
}

template <class T, class X>
void backward_task(const void* context, int64_t index, void* memory) {
    const auto& out = *static_cast<const CausalConvBackward*>(context);
    const CausalConv& conv = out.conv;
    const Part<T> here(conv, index);
    const int64_t time = conv.x.shape[1];
    const auto rows_of = [&](int64_t strip) {
        return Rows<T>(static_cast<T*>(memory) + strip * Rows<T>::size(here.past), here.past);
    };
    for (int64_t strip = 0; strip < here.strips; ++strip) begin<T, X>(here, rows_of(strip), strip);
    Sight sight(here.past);
    for (int64_t start = 0; start < time; start += chunk) {
        sight.move_to(conv, here.row, start);
        for (int64_t strip = 0; strip < here.strips; ++strip) {
            const Rows<T> rows = rows_of(strip);
            const int64_t channel = here.channel(strip), count = here.count(strip);
            stage<T>(rows.x + here.past * lanes<T>, conv.x.at<const X>(here.row, start, channel), conv.x.stride[1],
                     sight.samples, count);
            stage<T>(rows.gradient, out.y_gradient.at<const X>(here.row, start, channel), out.y_gradient.stride[1],
                     sight.samples, count);
            if (conv.silu) {
                convolve(rows, sight, here.past);
                each_vector<T>(sight.samples, [&](int64_t place) {
                    // The derivative of silu(y) = y σ(y) is σ + y σ (1 − σ).
                    const Vec<T> y = load(rows.y + place), open = logistic<T>(y);
                    store(rows.gradient + place, load(rows.gradient + place) * (open + y * open * (1 - open)));
                });
            }
            spread(rows, sight, here.past);
            const bool last = start + chunk >= time;
            write<T, X>(out, here, rows, strip, start, sight.samples + (last ? here.past : 0));
            move_on(rows.x, sight.samples, here.past);
            move_on(rows.x_gradient, sight.samples, here.past);
        }
    }
    for (int64_t strip = 0; strip < here.strips; ++strip) {
        const Rows<T> rows = rows_of(strip);
        const int64_t channel = here.channel(strip), count = here.count(strip);
        for (int64_t i = 0; i < (here.past + 2) * lanes<T>; ++i) rows.sums[i] += rows.lost[i];
        unstage<T>(out.weight_gradient.at<T>(here.row, 0, channel), out.weight_gradient.stride[1], rows.sums,
                   here.past + 1, count);
        unstage<T>(out.bias_gradient.at<T>(here.row, channel), 0, rows.sums + (here.past + 1) * lanes<T>, 1, count);
    }
}

template <class T>
size_t scratch_bytes(const CausalConv& conv) {
    return Part<T>::strips_of_task(conv) * Rows<T>::size(conv.weight.shape[0] - 1) * sizeof(T);
}

template <class T>
void run(const CausalConvForward& out) {
    with_type<T>(out.conv.x.type, [&](auto* x) {
        run_tasks(Part<T>::tasks(out.conv), out.conv.threads, scratch_bytes<T>(out.conv),
                  forward_task<T, Pointed<decltype(x)>>, &out);
    });
}

template <class T>
void run(const CausalConvBackward& out) {
    with_type<T>(out.conv.x.type, [&](auto* x) {
        run_tasks(Part<T>::tasks(out.conv), out.conv.threads, scratch_bytes<T>(out.conv),
                  backward_task<T, Pointed<decltype(x)>>, &out);
    });
}

}  // namespace

void causal_conv_forward(const CausalConvForward& out) {
    if (out.conv.weight.type == Type::float32)
        run<float>(out);
    else
        run<double>(out);
}

void causal_conv_backward(const CausalConvBackward& out) {
    if (out.conv.weight.type == Type::float32)
        run<float>(out);
    else
        run<double>(out);
}

}  // namespace clew::CLEW_ISA
