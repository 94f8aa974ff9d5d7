// Vectors of the instruction set that this file is compiled for, in the vector extensions of GCC and Clang:
// the same source is AVX-512, AVX2, SSE2 and NEON. Arithmetic is written with the operators; a * b + c becomes
// one fused instruction where there is one (-ffp-contract=fast).
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/isa.h"

#ifndef CLEW_ISA
#error "CLEW_ISA names the instruction set that this file is compiled for"
#endif
// The short loops over the vectors of a strip, or over states in registers, are written out.
#define CLEW_UNROLL _Pragma("GCC unroll 16")

namespace clew::CLEW_ISA {

#if defined(CLEW_VECTOR_BYTES)  // wider than the machine has, to check the source for one that has them
constexpr size_t vector_bytes = CLEW_VECTOR_BYTES;
#elif defined(__AVX512F__)
constexpr size_t vector_bytes = 64;
#elif defined(__AVX2__)
constexpr size_t vector_bytes = 32;
#else
constexpr size_t vector_bytes = 16;
#endif
// Registers that a kernel's inner loop may count on.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int registers = 32;
#else
constexpr int registers = 16;
#endif

template <class T, size_t bytes>
struct VectorOf {
    typedef T type __attribute__((vector_size(bytes)));
    typedef T anywhere __attribute__((vector_size(bytes), aligned(alignof(T)), may_alias));
};

template <class T>
using Vec = typename VectorOf<T, vector_bytes>::type;

// Numbers in a vector.
template <class T>
constexpr int width = vector_bytes / sizeof(T);

template <class T>
CLEW_INLINE Vec<T> load(const T* from) {
    return *reinterpret_cast<const typename VectorOf<T, vector_bytes>::anywhere*>(from);
}

template <class T>
CLEW_INLINE void store(T* to, Vec<T> value) {
    *reinterpret_cast<typename VectorOf<T, vector_bytes>::anywhere*>(to) = value;
}

template <class T>
CLEW_INLINE Vec<T> broadcast(T value) {
    return value - Vec<T>{};  // not +: −0 stays −0
}

template <class T>
CLEW_INLINE Vec<T> zero() {
    return Vec<T>{};
}

// The first `count` numbers at `from`, zero beyond; nothing beyond is read.
template <class T>
CLEW_INLINE Vec<T> load_first(const T* from, int64_t count) {
    if (count >= width<T>) return load(from);
    Vec<T> value{};
    for (int64_t lane = 0; lane < count; ++lane) value[lane] = from[lane];
    return value;
}

// The first `count` numbers to `to`; nothing beyond is written.
template <class T>
CLEW_INLINE void store_first(T* to, Vec<T> value, int64_t count) {
    if (count >= width<T>) return store(to, value);
    for (int64_t lane = 0; lane < count; ++lane) to[lane] = value[lane];
}

// Their sum, halves first: the same order everywhere.
template <class T>
CLEW_INLINE T sum(Vec<T> value) {
    T parts[width<T>];
    store(parts, value);
    for (int half = width<T> / 2; half > 0; half /= 2)
        for (int lane = 0; lane < half; ++lane) parts[lane] += parts[lane + half];
    return parts[0];
}

template <class T>
CLEW_INLINE Vec<T> sums_of_pairs(Vec<T> first, Vec<T> second);

// The sums of width<T> vectors that lie one after the other, in one vector.
template <class T, int count = width<T>>
CLEW_INLINE Vec<T> sums(const T* vectors) {
    if constexpr (count == 1)
        return load(vectors);
    else
        return sums_of_pairs<T>(sums<T, count / 2>(vectors), sums<T, count / 2>(vectors + count / 2 * width<T>));
}

// Complex numbers, the real parts in one vector and the imaginary parts in another.
template <class T>
struct Complex {
    Vec<T> re, im;
};

template <class T>
CLEW_INLINE Complex<T> operator*(Complex<T> a, Complex<T> b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

template <class T>
CLEW_INLINE Complex<T> operator+(Complex<T> a, Complex<T> b) {
    return {a.re + b.re, a.im + b.im};
}

template <class T>
CLEW_INLINE Complex<T> conjugate(Complex<T> a) {
    return {a.re, -a.im};
}

// Interleaved complex numbers (re im re im …), as tensors have them, from and to two vectors of each kind of
// part. `first` and `second` are what memory has, in order.
template <class T>
CLEW_INLINE Complex<T> deinterleave(Vec<T> first, Vec<T> second) {
#if defined(__clang__) || __GNUC__ >= 12
    if constexpr (width<T> == 16)
        return {__builtin_shufflevector(first, second, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
                __builtin_shufflevector(first, second, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)};
    else if constexpr (width<T> == 8)
        return {__builtin_shufflevector(first, second, 0, 2, 4, 6, 8, 10, 12, 14),
                __builtin_shufflevector(first, second, 1, 3, 5, 7, 9, 11, 13, 15)};
    else if constexpr (width<T> == 4)
        return {__builtin_shufflevector(first, second, 0, 2, 4, 6),
                __builtin_shufflevector(first, second, 1, 3, 5, 7)};
    else
        return {__builtin_shufflevector(first, second, 0, 2), __builtin_shufflevector(first, second, 1, 3)};
#else
#error "GCC 12 or Clang is needed: __builtin_shufflevector"
#endif
}

template <class T>
CLEW_INLINE Vec<T> sums_of_pairs(Vec<T> first, Vec<T> second) {
    const Complex<T> parts = deinterleave<T>(first, second);
    return parts.re + parts.im;
}

template <class T>
CLEW_INLINE void interleave(Complex<T> value, Vec<T>& first, Vec<T>& second) {
    const Vec<T> a = value.re, b = value.im;
    if constexpr (width<T> == 16) {
        first = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        second = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    } else if constexpr (width<T> == 8) {
        first = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
        second = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
    } else if constexpr (width<T> == 4) {
        first = __builtin_shufflevector(a, b, 0, 4, 1, 5);
        second = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    } else {
        first = __builtin_shufflevector(a, b, 0, 2);
        second = __builtin_shufflevector(a, b, 1, 3);
    }
}

// `count` complex numbers (2 · count numbers of T) from and to memory, zero beyond.
template <class T>
CLEW_INLINE Complex<T> load_complex(const T* from, int64_t count) {
    if (count >= width<T>) return deinterleave<T>(load(from), load(from + width<T>));
    Complex<T> value{};
    for (int64_t lane = 0; lane < count; ++lane) {
        value.re[lane] = from[2 * lane];
        value.im[lane] = from[2 * lane + 1];
    }
    return value;
}

template <class T>
CLEW_INLINE void store_complex(T* to, Complex<T> value, int64_t count) {
    if (count >= width<T>) {
        Vec<T> first, second;
        interleave(value, first, second);
        store(to, first);
        store(to + width<T>, second);
        return;
    }
    for (int64_t lane = 0; lane < count; ++lane) to[2 * lane] = value.re[lane], to[2 * lane + 1] = value.im[lane];
}

}  // namespace clew::CLEW_ISA
