// What the stages of a step share: the arrays between them, the tasks of one, norms.
//
// A step is a row of stages, a stage a row of tasks, and all tasks of a step are handed out in one row: a thread that
// has nothing left to do in a stage takes a task of the next one, fetches its weights, and waits until the stage
// before is finished. Whoever ends the last task of a stage finishes it, alone. No sum depends on who does what.
#pragma once

#include "core/threads.h"
#include "kernels/decode.h"
#include "simd/functions.h"
#include "simd/panel.h"
#include "simd/room.h"

namespace clew::CLEW_ISA {

struct Run;
struct Stage;

struct Stage {
    void (*work)(const Run&, const Stage&, int64_t task);
    void (*finish)(const Run&, const Stage&);  // or null
    const DecodeLayer* layer;
    const PanelMatrix* matrix;  // whose panels the tasks read
    const DecodeNorm* next;     // what comes after the layer
    int64_t state;              // where the layer's part of a row of the state is
    int64_t each;               // strips of a task
    int64_t tasks, first, done;
};

// (batch, numbers), a row's numbers from one line of cache on.
struct Rows {
    float* data = nullptr;
    int64_t stride = 0;

    CLEW_INLINE Rows() = default;
    CLEW_INLINE Rows(Room<float>& room, int64_t batch, int64_t numbers) {
        // The products read whole blocks of columns: there are zeros up to the largest.
        stride = (numbers + 31) / 32 * 32;
        data = room.take(batch * stride);
    }
    CLEW_INLINE float* at(int64_t row, int64_t number = 0) const { return data + row * stride + number; }
};

CLEW_INLINE int64_t padded(int64_t numbers) { return strips<float>(numbers) * panel_rows; }

// Columns of x_proj that one task sums; it has few rows, and many columns.
constexpr int64_t piece = 256;
CLEW_INLINE int64_t pieces(const DecodeLayer& layer) {
    return layer.x_proj.given() ? (layer.x_proj.columns + piece - 1) / piece : 0;
}

struct Run {
    const DecodeStep& step;
    int64_t batch;
    // What runs from layer to layer, and normed; the convolution's outputs, the gate, what is read from the state.
    Rows x, normed, u, z, y;
    // Mamba: x_proj's pieces; r, B and C. Mamba-2: Δ and exp(Δ A).
    Rows sums, low, B, C, delta, decay;
    Stage* stages = nullptr;
    int64_t count = 0;
    int64_t* finished = nullptr;  // stages

    CLEW_INLINE Run(const DecodeStep& step, Room<float>& room) : step(step), batch(step.tokens.shape[0]) {
        const DecodeModel& model = *step.model;
        int64_t convolved = 0, inner = 0, selected = 0, rank = 0, states = 0, heads = 0;
        const auto widen_to = [](int64_t& most, int64_t size) { most = size > most ? size : most; };
        for (int64_t l = 0; l < model.depth; ++l) {
            const DecodeLayer& layer = model.layers[l];
            widen_to(convolved, layer.convolved), widen_to(inner, layer.inner);
            widen_to(heads, layer.heads);
            if (layer.kind == MixerKind::mamba) {
                widen_to(selected, pieces(layer) * layer.x_proj.count() * panel_rows);
                widen_to(rank, layer.rank), widen_to(states, layer.states);
            }
        }
        x = Rows(room, batch, model.channels), normed = Rows(room, batch, model.channels);
        u = Rows(room, batch, convolved), z = Rows(room, batch, inner), y = Rows(room, batch, inner);
        sums = Rows(room, batch, selected), low = Rows(room, batch, rank);
        B = Rows(room, batch, states), C = Rows(room, batch, states);
        delta = Rows(room, batch, heads), decay = Rows(room, batch, heads);
    }

    CLEW_INLINE const float* before(int64_t row, int64_t place) const { return step.state.at<const float>(row, place); }
    CLEW_INLINE float* after(int64_t row, int64_t place) const { return step.state_after.at<float>(row, place); }
};

// The part of an array over channels that a strip has.
CLEW_INLINE float* strip_of(const Array& array, int64_t strip) { return array.at<float>() + strip * panel_rows; }

CLEW_INLINE Strip silu(Strip x) {
    CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v) x.part[v] *= logistic<float>(x.part[v]);
    return x;
}

// Calls use(strip) for each strip of a task.
template <class Use>
CLEW_INLINE void each_strip(const Stage& stage, int64_t task, int64_t count, Use use) {
    const int64_t end = (task + 1) * stage.each < count ? (task + 1) * stage.each : count;
    for (int64_t strip = task * stage.each; strip < end; ++strip) use(strip);
}

// The convolution and its SiLU, of one more sample v of the strip; the state moves on.
CLEW_INLINE Strip convolve(const Run& run, const Stage& stage, int64_t row, int64_t strip, const Strip& v) {
    const DecodeLayer& layer = *stage.layer;
    const int64_t channel = strip * panel_rows, left = layer.convolved - channel;
    const float* before = run.before(row, stage.state + channel);
    float* after = run.after(row, stage.state + channel);
    const float* taps = strip_of(layer.taps, strip);
    Strip y;
    CLEW_UNROLL for (int i = 0; i < panel_vectors; ++i) {
        const int64_t lane = i * width<float>, count = left - lane;
        Vec<float> sum = load(taps + layer.past * layer.taps.stride[0] + lane) * v.part[i];
        if (layer.conv_bias.given()) sum += load(strip_of(layer.conv_bias, strip) + lane);
        for (int64_t k = 0; k < layer.past; ++k) {
            const Vec<float> input = load_first(before + k * layer.convolved + lane, count);
            sum += load(taps + k * layer.taps.stride[0] + lane) * input;
            if (k > 0) store_first(after + (k - 1) * layer.convolved + lane, input, count);
        }
        if (layer.past > 0) store_first(after + (layer.past - 1) * layer.convolved + lane, v.part[i], count);
        y.part[i] = sum;
    }
    return silu(y);
}

// The sum of `count` terms term(from, left) of a vector each; `left` numbers from there on are inside.
template <class Term>
CLEW_INLINE float sum_of(int64_t count, Term term) {
    Strip total{};
    for (int64_t first = 0; first < count; first += panel_rows)
        CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v)
            total.part[v] += term(first + v * width<float>, count - first - v * width<float>);
    float lanes[panel_rows];
    total.write(lanes);
    for (int64_t half = panel_rows / 2; half > 0; half /= 2)
        for (int64_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
    return lanes[0];
}

// What the numbers are multiplied with to have a mean square of one: 1 / √(mean x² + ε). Divided by the largest
// first, no square overflows.
CLEW_INLINE float to_unit(const float* x, int64_t count, float epsilon) {
    float size = 1;
    for (int64_t i = 0; i < count; ++i) {
        const float magnitude = x[i] < 0 ? -x[i] : x[i];
        size = magnitude > size ? magnitude : size;
    }
    const float inverse = 1 / size;
    const float squares = sum_of(count, [&](int64_t first, int64_t left) {
        const Vec<float> scaled = load_first(x + first, left) * inverse;
        return scaled * scaled;
    });
    return inverse / __builtin_sqrtf(squares / count + epsilon * inverse * inverse);
}

// The norm of `channels` numbers; zero behind them stays.
CLEW_INLINE void apply(const DecodeNorm& norm, const float* x, float* to, int64_t channels) {
    if (norm.kind == NormKind::none) {
        for (int64_t i = 0; i < channels; ++i) to[i] = x[i];
        return;
    }
    if (norm.kind == NormKind::rms) {
        const float factor = to_unit(x, channels, norm.epsilon);
        for (int64_t i = 0; i < channels; ++i) to[i] = x[i] * factor * norm.weight.at<float>()[i];
        return;
    }
    const float total =
        sum_of(channels, [&](int64_t first, int64_t left) { return load_first(x + first, left); });
    const float mean = total / channels;
    for (int64_t i = 0; i < channels; ++i) to[i] = x[i] - mean;
    const float squares = sum_of(channels, [&](int64_t first, int64_t left) {
        const Vec<float> deviation = load_first(to + first, left);
        return deviation * deviation;
    });
    const float factor = 1 / __builtin_sqrtf(squares / channels + norm.epsilon);
    for (int64_t i = 0; i < channels; ++i)
        to[i] = to[i] * factor * norm.weight.at<float>()[i] + norm.bias.at<float>()[i];
}

// The last stage of a layer: x + out_proj y, and the norm of what comes after.
CLEW_INLINE void add_output(const Run& run, const Stage& stage, int64_t task) {
    each_strip(stage, task, stage.matrix->count(), [&](int64_t strip) {
        multiply(*stage.matrix, strip, run.y.data, run.y.stride, run.batch, [&](int64_t row, Strip sum) {
            float* x = run.x.at(row, strip * panel_rows);
            CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v) sum.part[v] += load(x + v * width<float>);
            sum.write(x);
        });
    });
}

CLEW_INLINE void norm_next(const Run& run, const Stage& stage) {
    for (int64_t row = 0; row < run.batch; ++row)
        apply(*stage.next, run.x.at(row), run.normed.at(row), run.step.model->channels);
}

}  // namespace clew::CLEW_ISA
