// A matrix in panels of 16 rows: what kernels and bindings both have to know of it.
#pragma once

#include "core/array.h"

namespace clew {

enum class Weights { float32, bfloat16, int8 };

constexpr int64_t panel_rows = 16;

// Columns and bytes of a block, the least piece of a panel.
CLEW_INLINE constexpr int64_t block_columns(Weights kind) { return kind == Weights::int8 ? 32 : 2; }
CLEW_INLINE constexpr int64_t block_bytes(Weights kind) {
    return kind == Weights::float32 ? 128 : kind == Weights::bfloat16 ? 64 : 32 * 16 + 16 * 2;
}

struct PanelMatrix {
    Array panels;  // (panel, byte) uint8, without gaps
    Array bias;    // (16 · panels), or missing
    Weights kind = Weights::float32;
    int64_t columns = 0;  // of whole blocks

    CLEW_INLINE bool given() const { return panels.given(); }
    CLEW_INLINE int64_t count() const { return panels.shape[0]; }
    CLEW_INLINE int64_t bytes() const { return panels.shape[1]; }
    CLEW_INLINE const char* panel(int64_t index) const {
        return static_cast<const char*>(panels.data) + index * bytes();
    }
};

}  // namespace clew
