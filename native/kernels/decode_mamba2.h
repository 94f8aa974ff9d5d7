// The stages of a Mamba-2 layer.
#pragma once

#include "kernels/decode_parts.h"

namespace clew::CLEW_ISA {

// (z, v, d) = in_proj x; silu(z); (u, B, C) = silu(convolution of v); Δ = softplus(d + b_Δ) and exp(Δ A).
CLEW_INLINE void mamba2_project(const Run& run, const Stage& stage, int64_t task) {
    const DecodeLayer& layer = *stage.layer;
    const int64_t signal = strips<float>(layer.inner), steps = signal + strips<float>(layer.convolved);
    each_strip(stage, task, stage.matrix->count(), [&](int64_t strip) {
        multiply(*stage.matrix, strip, run.normed.data, run.normed.stride, run.batch, [&](int64_t row, Strip sum) {
            if (strip < signal) return silu(sum).write(run.z.at(row, strip * panel_rows));
            if (strip < steps)
                return convolve(run, stage, row, strip - signal, sum).write(run.u.at(row, (strip - signal) * panel_rows));
            Strip bias, A, decay;
            bias.read(strip_of(layer.dt_bias, strip - steps)), A.read(strip_of(layer.A, strip - steps));
            CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v) {
                const Vec<float> raw = sum.part[v] + bias.part[v];
                sum.part[v] = softplus<float>(raw, exp_of_minus_absolute<float>(raw)) * layer.step_size;
                decay.part[v] = exp2<float>(sum.part[v] * float(log2_e) * A.part[v]);
            }
            sum.write(run.delta.at(row, (strip - steps) * panel_rows));
            decay.write(run.decay.at(row, (strip - steps) * panel_rows));
        });
    });
}

// h = exp(Δ A) h + Δ u B and y = (C · h + D u) silu(z), of strips of inner channels; vectors across the states.
CLEW_INLINE void mamba2_scan(const Run& run, const Stage& stage, int64_t task) {
    const DecodeLayer& layer = *stage.layer;
    const int64_t states = layer.states, size = layer.inner / layer.heads, heads = layer.heads / layer.groups;
    each_strip(stage, task, strips<float>(layer.inner), [&](int64_t strip) {
        const int64_t first = strip * panel_rows;
        const int64_t count = layer.inner - first < panel_rows ? layer.inner - first : panel_rows;
        for (int64_t row = 0; row < run.batch; ++row) {
            float totals[panel_rows * width<float>] = {}, through[panel_rows] = {};
            for (int64_t lane = 0; lane < count; ++lane) {
                const int64_t channel = first + lane, head = channel / size, group = head / heads;
                const int64_t place = stage.state + layer.conv_size() + channel * states;
                const float *before = run.before(row, place), *B = run.u.at(row, layer.inner + group * states);
                const float* C = B + layer.groups * states;
                float* after = run.after(row, place);
                const float u = *run.u.at(row, channel);
                const Vec<float> decay = broadcast(*run.decay.at(row, head));
                const Vec<float> driven = broadcast(*run.delta.at(row, head) * u);
                through[lane] = layer.D.at<float>()[head] * u;
                Vec<float> total = zero<float>();
                for (int64_t n = 0; n < states; n += width<float>) {
                    const int64_t left = states - n;
                    const Vec<float> h = load_first(before + n, left) * decay + driven * load_first(B + n, left);
                    store_first(after + n, h, left);
                    total += h * load_first(C + n, left);
                }
                store(totals + lane * width<float>, total);
            }
            Strip y, z, direct;
            z.read(run.z.at(row, first)), direct.read(through);
            CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v)
                y.part[v] = (sums<float>(totals + v * width<float> * width<float>) + direct.part[v]) * z.part[v];
            y.write(run.y.at(row, first));
        }
    });
}

// The norm of each group.
CLEW_INLINE void mamba2_norm(const Run& run, const Stage& stage) {
    const DecodeLayer& layer = *stage.layer;
    const int64_t channels = layer.inner / layer.groups;
    for (int64_t row = 0; row < run.batch; ++row)
        for (int64_t group = 0; group < layer.groups; ++group) {
            float* y = run.y.at(row, group * channels);
            const float* weight = layer.inner_norm.at<float>() + group * channels;
            const float factor = to_unit(y, channels, layer.inner_epsilon);
            for (int64_t i = 0; i < channels; ++i) y[i] = y[i] * factor * weight[i];
        }
}

}  // namespace clew::CLEW_ISA
