// Panels: the rows of a matrix in groups of 16, so that its product with a vector comes out as strips of channels.
// A panel's columns lie one after the other, 16 numbers each, in blocks that are read once, from the first to the
// last; src/clew/ops/decode/panels.py lays them out. The weights are widened to float in registers.
#pragma once

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include <type_traits>

#include "core/panels.h"
#include "simd/narrow.h"
#include "simd/strip.h"

namespace clew::CLEW_ISA {

constexpr int panel_vectors = vectors<float>;

// A vector of whole numbers of 8 bits, and one of bfloat16, from any address. GCC does not find the instructions.
#if defined(__AVX512F__) && !defined(CLEW_VECTOR_BYTES)
CLEW_INLINE Vec<float> whole_numbers(const char* from) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
}
CLEW_INLINE Vec<float> upper_halves(const char* from) {
    const __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
    return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
}
#elif defined(__AVX2__) && !defined(CLEW_VECTOR_BYTES)
CLEW_INLINE Vec<float> whole_numbers(const char* from) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
}
CLEW_INLINE Vec<float> upper_halves(const char* from) {
    const __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16));
}
#else
template <class From>
CLEW_INLINE Vec<int32_t> widened(const char* from) {
    typedef From Part __attribute__((vector_size(sizeof(From) * width<float>)));
    typedef Part Anywhere __attribute__((aligned(1), may_alias));
    return __builtin_convertvector(*reinterpret_cast<const Anywhere*>(from), Vec<int32_t>);
}
CLEW_INLINE Vec<float> whole_numbers(const char* from) {
    return __builtin_convertvector(widened<int8_t>(from), Vec<float>);
}
CLEW_INLINE Vec<float> upper_halves(const char* from) {
    return reinterpret_cast<Vec<float>>(widened<uint16_t>(from) << 16);
}
#endif

// Vectors that are multiplied with a panel at a time.
constexpr int most_together = registers / (4 * panel_vectors) < 4 ? registers / (4 * panel_vectors) : 4;

// The sums of a block's even columns and of its odd ones, so that one need not wait for the other.
template <int count>
struct Sums {
    Vec<float> even[count][panel_vectors], odd[count][panel_vectors];

    CLEW_INLINE void clear() {
        CLEW_UNROLL for (int b = 0; b < count; ++b) CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v)
            even[b][v] = odd[b][v] = zero<float>();
    }
    CLEW_INLINE void add(const Sums& other) {
        CLEW_UNROLL for (int b = 0; b < count; ++b) CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v)
            even[b][v] += other.even[b][v], odd[b][v] += other.odd[b][v];
    }
    // Adds the columns `first` and `first` + 1, whose numbers are `low` and `high`.
    CLEW_INLINE void add(int v, Vec<float> low, Vec<float> high, const float* x, int64_t stride) {
        CLEW_UNROLL for (int b = 0; b < count; ++b) {
            even[b][v] += low * x[b * stride];
            odd[b][v] += high * x[b * stride + 1];
        }
    }
};

// The halves of a panel are read in turns where there are registers for the sums of both: the processor fetches ahead
// in each. A block of whole numbers keeps it busy for too long for that; there the fetching is done by hand.
template <class Some>
constexpr bool in_two_places = 2 * sizeof(Some) <= (registers - 4) * sizeof(Vec<float>);
constexpr int64_t bytes_fetched = 1024;

template <Weights>
struct Panel;

template <>
struct Panel<Weights::float32> {
    static constexpr bool wide_blocks = false;

    template <int count>
    static CLEW_INLINE void multiply(Sums<count>& sums, const char* block, const float* x, int64_t stride) {
        const float* column = reinterpret_cast<const float*>(block);
        CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v)
            sums.add(v, load(column + v * width<float>), load(column + panel_rows + v * width<float>), x, stride);
    }
    static CLEW_INLINE float number(const char* block, int64_t row, int64_t column) {
        return reinterpret_cast<const float*>(block)[column * panel_rows + row];
    }
};

// The two numbers of a row in one lane, the even column's in its lower half.
template <>
struct Panel<Weights::bfloat16> {
    static constexpr bool wide_blocks = false;

    template <int count>
    static CLEW_INLINE void multiply(Sums<count>& sums, const char* block, const float* x, int64_t stride) {
        const int32_t* pairs = reinterpret_cast<const int32_t*>(block);
        CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v) {
            const Vec<int32_t> both = load(pairs + v * width<int32_t>);
            const Vec<int32_t> low = both << 16, high = both & static_cast<int32_t>(0xffff0000);
            sums.add(v, reinterpret_cast<Vec<float>>(low), reinterpret_cast<Vec<float>>(high), x, stride);
        }
    }
    static CLEW_INLINE float number(const char* block, int64_t row, int64_t column) {
        return widen<float>(reinterpret_cast<const BFloat16*>(block)[2 * row + column]);
    }
};

// 32 columns of whole numbers, then what a row's are multiplied with, in bfloat16.
template <>
struct Panel<Weights::int8> {
    static constexpr bool wide_blocks = true;

    template <int count>
    static CLEW_INLINE void multiply(Sums<count>& sums, const char* block, const float* x, int64_t stride) {
        constexpr int columns = block_columns(Weights::int8);
        Sums<count> inner;
        inner.clear();
        for (int column = 0; column < columns; column += 2, x += 2) {
            const char* numbers = block + column * panel_rows;
            CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v)
                inner.add(v, whole_numbers(numbers + v * width<float>),
                          whole_numbers(numbers + panel_rows + v * width<float>), x, stride);
        }
        CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v) {
            const Vec<float> scale = upper_halves(block + columns * panel_rows + 2 * v * width<float>);
            CLEW_UNROLL for (int b = 0; b < count; ++b)
                sums.even[b][v] += scale * (inner.even[b][v] + inner.odd[b][v]);
        }
    }
    static CLEW_INLINE float number(const char* block, int64_t row, int64_t column) {
        const char* scales = block + block_columns(Weights::int8) * panel_rows;
        return reinterpret_cast<const int8_t*>(block)[column * panel_rows + row] *
               widen<float>(reinterpret_cast<const BFloat16*>(scales)[row]);
    }
};

// Calls `run` with a Panel of this kind.
template <class Run>
CLEW_INLINE void with_panel(Weights kind, Run run) {
    switch (kind) {
        case Weights::float32: return run(Panel<Weights::float32>{});
        case Weights::bfloat16: return run(Panel<Weights::bfloat16>{});
        case Weights::int8: return run(Panel<Weights::int8>{});
    }
}

// A strip of channels in registers.
struct Strip {
    Vec<float> part[panel_vectors];

    CLEW_INLINE void read(const float* from) {
        CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v) part[v] = load(from + v * width<float>);
    }
    CLEW_INLINE void write(float* to) const {
        CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v) store(to + v * width<float>, part[v]);
    }
};

// Rows 16 · panel … + 15 of W x, W's columns from `first` to `end`, for each of `batch` vectors x, `stride` apart:
// use(b, strip) gets them, the bias added where the columns begin with the first. The order of the sums is the same
// for any batch and any width of vectors.
template <class Use>
CLEW_INLINE void multiply(const PanelMatrix& matrix, int64_t panel, const float* x, int64_t stride, int64_t batch,
                          Use use, int64_t first = 0, int64_t end = -1) {
    with_panel(matrix.kind, [&](auto how) {
        const int64_t columns = block_columns(matrix.kind), bytes = block_bytes(matrix.kind);
        const int64_t last = end < 0 ? matrix.columns : end;
        const int64_t blocks = (last - first + columns - 1) / columns;
        const auto together = [&](int64_t b, auto& sums) {
            const char* from = matrix.panel(panel) + first / columns * bytes;
            const float* numbers = x + b * stride + first;
            const auto add = [&](auto& to, int64_t block) {
                decltype(how)::multiply(to, from + block * bytes, numbers + block * columns, stride);
            };
            sums.clear();
            if constexpr (decltype(how)::wide_blocks) {
                for (int64_t block = 0; block < blocks; ++block) {
                    const char* ahead = from + block * bytes + bytes_fetched;
                    for (int64_t line = 0; line < bytes; line += 64) __builtin_prefetch(ahead + line, 0, 3);
                    add(sums, block);
                }
            } else {
                const int64_t half = blocks / 2;
                auto second = sums;
                if constexpr (in_two_places<std::remove_reference_t<decltype(sums)>>) {
                    for (int64_t block = 0; block < half; ++block) add(sums, block), add(second, half + block);
                } else {
                    for (int64_t block = 0; block < half; ++block) add(sums, block);
                    for (int64_t block = half; block < 2 * half; ++block) add(second, block);
                }
                if (blocks % 2) add(second, blocks - 1);
                sums.add(second);
            }
        };
        const auto hand_over = [&](int64_t b, const Vec<float>* even, const Vec<float>* odd) {
            Strip strip;
            CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v) strip.part[v] = even[v] + odd[v];
            if (matrix.bias.given() && first == 0) {
                const float* bias = matrix.bias.at<float>() + panel * panel_rows;
                CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v) strip.part[v] += load(bias + v * width<float>);
            }
            use(b, strip);
        };
        int64_t b = 0;
        if constexpr (most_together >= 4)
            for (; b + 4 <= batch; b += 4) {
                Sums<4> sums;
                together(b, sums);
                for (int i = 0; i < 4; ++i) hand_over(b + i, sums.even[i], sums.odd[i]);
            }
        if constexpr (most_together >= 2)
            for (; b + 2 <= batch; b += 2) {
                Sums<2> sums;
                together(b, sums);
                for (int i = 0; i < 2; ++i) hand_over(b + i, sums.even[i], sums.odd[i]);
            }
        for (; b < batch; ++b) {
            Sums<1> sums;
            together(b, sums);
            hand_over(b, sums.even[0], sums.odd[0]);
        }
    });
}

// Row `row` of W, to `to`.
CLEW_INLINE void read_row(const PanelMatrix& matrix, int64_t row, float* to, int64_t columns) {
    with_panel(matrix.kind, [&](auto how) {
        const int64_t together = block_columns(matrix.kind);
        for (int64_t column = 0; column < columns; ++column)
            to[column] = decltype(how)::number(
                matrix.panel(row / panel_rows) + column / together * block_bytes(matrix.kind), row % panel_rows,
                column % together);
    });
}

}  // namespace clew::CLEW_ISA
