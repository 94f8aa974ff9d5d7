// The stages of a Mamba layer.
#pragma once

#include "kernels/decode_parts.h"

namespace clew::CLEW_ISA {

// (v, z) = in_proj x; u = silu(convolution of v), and silu(z).
CLEW_INLINE void mamba_project(const Run& run, const Stage& stage, int64_t task) {
    const int64_t signal = strips<float>(stage.layer->inner);
    each_strip(stage, task, stage.matrix->count(), [&](int64_t strip) {
        multiply(*stage.matrix, strip, run.normed.data, run.normed.stride, run.batch,
                 [&](int64_t row, const Strip& sum) {
                     if (strip < signal)
                         convolve(run, stage, row, strip, sum).write(run.u.at(row, strip * panel_rows));
                     else
                         silu(sum).write(run.z.at(row, (strip - signal) * panel_rows));
                 });
    });
}

// x_proj u: a task has a piece of the columns of a panel.
CLEW_INLINE void mamba_select(const Run& run, const Stage& stage, int64_t task) {
    const PanelMatrix& matrix = *stage.matrix;
    const int64_t rows = matrix.count(), strip = task % rows, part = task / rows, end = (part + 1) * piece;
    multiply(
        matrix, strip, run.u.data, run.u.stride, run.batch,
        [&](int64_t row, const Strip& sum) { sum.write(run.sums.at(row, (part * rows + strip) * panel_rows)); },
        part * piece, end < matrix.columns ? end : matrix.columns);
}

// The sum of the pieces; `count` numbers from row `first` of the matrix on.
CLEW_INLINE void gather(const Run& run, const Stage& stage, int64_t row, int64_t first, int64_t count, float scale,
                        float* to) {
    const DecodeLayer& layer = *stage.layer;
    const int64_t all = layer.x_proj.count() * panel_rows;
    for (int64_t i = 0; i < count; ++i) to[i] = *run.sums.at(row, first + i);
    for (int64_t part = 1; part < pieces(layer); ++part)
        for (int64_t i = 0; i < count; ++i) to[i] += *run.sums.at(row, part * all + first + i);
    const float factor = layer.selection_epsilon < 0 ? 1 : to_unit(to, count, layer.selection_epsilon);
    for (int64_t i = 0; i < count; ++i) to[i] = to[i] * factor * scale;
}

CLEW_INLINE void mamba_selected(const Run& run, const Stage& stage) {
    const DecodeLayer& layer = *stage.layer;
    const int64_t B = padded(layer.rank), C = B + padded(layer.states);
    for (int64_t row = 0; row < run.batch; ++row) {
        gather(run, stage, row, 0, layer.rank, 1, run.low.at(row));
        gather(run, stage, row, B, layer.states, layer.step_size, run.B.at(row));
        gather(run, stage, row, C, layer.states, 1, run.C.at(row));
    }
}

// The numbers from `from` on: a whole vector, or the first `left` of one.
template <bool whole>
CLEW_INLINE Vec<float> take(const float* from, int64_t left) {
    return whole ? load(from) : load_first(from, left);
}

// h = exp(Δ A) h + Δ u B, and C · h, of a strip of channels, vectors across the states; these are whole vectors, or not.
template <bool whole>
CLEW_INLINE Strip mamba_states(const Run& run, const Stage& stage, int64_t row, int64_t strip, const float* delta,
                               const float* input) {
    const DecodeLayer& layer = *stage.layer;
    const int64_t states = layer.states, first = strip * panel_rows;
    const int64_t count = layer.inner - first < panel_rows ? layer.inner - first : panel_rows;
    const float *B = run.B.at(row), *C = run.C.at(row);
    float totals[panel_rows * width<float>] = {};
    for (int64_t lane = 0; lane < count; ++lane) {
        const int64_t place = stage.state + layer.conv_size() + (first + lane) * states;
        const float *A = layer.A.at<float>(first + lane), *before = run.before(row, place);
        float* after = run.after(row, place);
        const Vec<float> exponent = broadcast(delta[lane] * float(log2_e)), driven = broadcast(input[lane]);
        Vec<float> total = zero<float>();
        for (int64_t n = 0; n < states; n += width<float>) {
            const int64_t left = states - n;
            const Vec<float> decay = exp2<float>(exponent * take<whole>(A + n, left));
            const Vec<float> h = take<whole>(before + n, left) * decay + driven * take<whole>(B + n, left);
            if constexpr (whole)
                store(after + n, h);
            else
                store_first(after + n, h, left);
            total += h * take<whole>(C + n, left);
        }
        store(totals + lane * width<float>, total);
    }
    Strip y;
    CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v)
        y.part[v] = sums<float>(totals + v * width<float> * width<float>);
    return y;
}

// Δ = softplus(dt_proj r + b_Δ); y = (C · h + D u) silu(z).
CLEW_INLINE void mamba_scan(const Run& run, const Stage& stage, int64_t task) {
    const DecodeLayer& layer = *stage.layer;
    each_strip(stage, task, stage.matrix->count(), [&](int64_t strip) {
        multiply(*stage.matrix, strip, run.low.data, run.low.stride, run.batch, [&](int64_t row, Strip delta) {
            const int64_t channel = strip * panel_rows;
            Strip u, z, input, D;
            u.read(run.u.at(row, channel)), z.read(run.z.at(row, channel)), D.read(strip_of(layer.D, strip));
            CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v) {
                delta.part[v] = softplus<float>(delta.part[v], exp_of_minus_absolute<float>(delta.part[v]));
                input.part[v] = delta.part[v] * u.part[v];
            }
            float deltas[panel_rows], inputs[panel_rows];
            delta.write(deltas), input.write(inputs);
            Strip y = layer.states % width<float> ? mamba_states<false>(run, stage, row, strip, deltas, inputs)
                                                  : mamba_states<true>(run, stage, row, strip, deltas, inputs);
            CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v)
                y.part[v] = (y.part[v] + D.part[v] * u.part[v]) * z.part[v];
            y.write(run.y.at(row, channel));
        });
    });
}

}  // namespace clew::CLEW_ISA
