// Numbers of 16 bits, to float and back, rounded to the nearest, ties to even. In integers and normal floats
// only: kernels run with denormal floats flushed, and every number of these is a normal float.
#pragma once

#include "core/array.h"
#include "simd/vector.h"

namespace clew::CLEW_ISA {

struct BFloat16 {
    uint16_t bits;
};

struct Float16 {
    uint16_t bits;
};

CLEW_INLINE float as_float(uint32_t bits) { return __builtin_bit_cast(float, bits); }
CLEW_INLINE uint32_t as_bits(float value) { return __builtin_bit_cast(uint32_t, value); }

template <class T>
CLEW_INLINE T widen(T value) {
    return value;
}

template <class T>
CLEW_INLINE T widen(BFloat16 value) {
    return as_float(uint32_t{value.bits} << 16);
}

template <class T>
CLEW_INLINE T widen(Float16 value) {
    const uint32_t magnitude = value.bits & 0x7fffu, sign = uint32_t{value.bits & 0x8000u} << 16;
    const uint32_t shifted = magnitude << 13;
    // Exponents are biased by 15 and by 127; the largest one means infinity or NaN in both.
    const float normal = as_float(shifted + (magnitude >= 0x7c00u ? 224u << 23 : 112u << 23));
    const float tiny = as_float(shifted | 113u << 23) - as_float(113u << 23);
    return as_float(as_bits(magnitude < 0x0400u ? tiny : normal) | sign);
}

template <class To>
struct Narrow {
    static CLEW_INLINE To from(To value) { return value; }
};

template <>
struct Narrow<BFloat16> {
    static CLEW_INLINE BFloat16 from(float wide) {
        const uint32_t bits = as_bits(wide);
        const uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
        return {static_cast<uint16_t>(wide != wide ? 0x7fc0u : rounded)};
    }
};

template <>
struct Narrow<Float16> {
    static CLEW_INLINE Float16 from(float wide) {
        const uint32_t bits = as_bits(wide), magnitude = bits & 0x7fffffffu, sign = bits >> 16 & 0x8000u;
        const uint32_t normal = (magnitude - (112u << 23) + 0x0fffu + (magnitude >> 13 & 1u)) >> 13;
        // Adding 0.5 lets the float's own rounding leave the units of 2⁻²⁴ in its lowest bits.
        const uint32_t tiny = as_bits(as_float(magnitude) + 0.5f) - as_bits(0.5f);
        uint32_t half = magnitude < 113u << 23 ? tiny : normal;
        half = magnitude >= 143u << 23 ? 0x7c00u : half;
        half = magnitude > 255u << 23 ? 0x7e00u : half;
        return {static_cast<uint16_t>(half | sign)};
    }
};

// Calls `run` with a pointer to the type of x, whatever it is.
template <class T, class Run>
CLEW_INLINE void with_type(Type type, Run run) {
    if constexpr (sizeof(T) == sizeof(float)) {
        if (type == Type::bfloat16) return run(static_cast<BFloat16*>(nullptr));
        if (type == Type::float16) return run(static_cast<Float16*>(nullptr));
    }
    run(static_cast<T*>(nullptr));
}

template <class Pointer>
struct PointedBy;
template <class T>
struct PointedBy<T*> {
    using type = T;
};
template <class Pointer>
using Pointed = typename PointedBy<Pointer>::type;

}  // namespace clew::CLEW_ISA
