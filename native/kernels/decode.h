// One token through a language model of Mamba or Mamba-2 layers: the embedding, the layers, the norm, the head.
#pragma once

#include "core/array.h"
#include "core/isa.h"
#include "core/panels.h"

namespace clew {

// Numbers are float32 throughout; an array over channels ends with zeros up to a multiple of 16 numbers, and so do
// the rows of a matrix of which an array is made: those of in_proj for v and z, of x_proj for r, B and C, of Mamba-2's
// in_proj for z, for v and for Δ.

enum class NormKind { none, rms, layer };

struct DecodeNorm {
    NormKind kind = NormKind::none;
    Array weight, bias;  // (channel), or missing
    float epsilon = 0;
};

enum class MixerKind { mamba, mamba2 };

// One block: x + out_proj(scan(convolution(in_proj(norm(x))))).
struct DecodeLayer {
    MixerKind kind;
    DecodeNorm norm;
    PanelMatrix in_proj, out_proj;
    Array taps, conv_bias;  // (width, convolved channel), the last row for the present sample; (convolved channel)
    Array D;                // (inner channel); Mamba-2: (head)
    int64_t inner = 0, states = 0, past = 0, convolved = 0;
    float step_size = 1;  // Mamba: what B is multiplied with; Mamba-2: Δ

    // Mamba. x_proj's rows: Δ's source r (rank), B (state), C (state), each divided by its root mean square where
    // selection_epsilon ≥ 0. A (inner channel, state), without zeros at the end. dt_proj's bias is b_Δ.
    PanelMatrix x_proj, dt_proj;
    Array A;
    int64_t rank = 0;
    float selection_epsilon = -1;

    // Mamba-2. A and dt_bias are (head), inner_norm (inner channel).
    Array dt_bias, inner_norm;
    int64_t heads = 0, groups = 1;
    float inner_epsilon = 0;

    // A row of the state, as it lies in memory: (past, convolved channel), then (inner channel, state).
    CLEW_INLINE int64_t conv_size() const { return past * convolved; }
    CLEW_INLINE int64_t state_size() const { return conv_size() + inner * states; }
};

struct DecodeModel {
    const DecodeLayer* layers;
    int64_t depth, channels;
    DecodeNorm norm;
    PanelMatrix embedding, head;  // the same panels where they are tied
};

struct DecodeStep {
    const DecodeModel* model;
    Array tokens;  // (batch) int64
    Array state;   // (batch, what the layers' states have)
    Array state_after, logits;  // out: as state; (batch, token)
    int threads;
};

CLEW_KERNEL(decode_step, DecodeStep)

}  // namespace clew
