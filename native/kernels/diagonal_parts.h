// What the kernels of diagonal_ssm share: where a row's chunk ends and where sequences begin in it.
#pragma once

#include "kernels/diagonal_ssm.h"
#include "simd/strip.h"

namespace clew::CLEW_ISA {

// The samples of one chunk of a row that count, in pieces: a new sequence begins with each piece but the first,
// and with the first where `starts`.
struct Pieces {
    int64_t first, samples;  // of the chunk; samples may be 0 where the row is shorter
    int64_t count;
    int64_t end[diagonal_chunk];
    bool starts;

    CLEW_INLINE Pieces(const DiagonalSystem& system, int64_t row, int64_t chunk) {
        first = chunk * diagonal_chunk;
        const int64_t left = system.length(row) - first;
        samples = left < 0 ? 0 : left < diagonal_chunk ? left : diagonal_chunk;
        starts = samples > 0 && system.starts(row, first);
        count = 0;
        if (system.reset.given())
            for (int64_t k = 1; k < samples; ++k)
                if (system.starts(row, first + k)) end[count++] = k;
        end[count++] = samples;
    }

    CLEW_INLINE int64_t begin(int64_t piece) const { return piece == 0 ? 0 : end[piece - 1]; }
    CLEW_INLINE bool forgets(int64_t piece) const { return piece > 0 || starts; }
};

CLEW_INLINE int64_t chunks(int64_t time) { return (time + diagonal_chunk - 1) / diagonal_chunk; }

// Samples of the chunk, those that do not count among them.
CLEW_INLINE int64_t chunk_samples(int64_t time, int64_t chunk) {
    const int64_t left = time - chunk * diagonal_chunk;
    return left < diagonal_chunk ? left : diagonal_chunk;
}

}  // namespace clew::CLEW_ISA
