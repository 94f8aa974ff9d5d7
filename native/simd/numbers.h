// Real and complex numbers behind one face, for kernels that are the same for both: what a vector of them is,
// how it comes from memory and goes back.
#pragma once

#include "simd/vector.h"

namespace clew::CLEW_ISA {

template <class T>
struct RealNumbers {
    using Part = T;
    using Value = Vec<T>;
    static constexpr int parts = 1;  // numbers of T in memory for each

    static CLEW_INLINE Value load(const T* from, int64_t count) { return load_first(from, count); }
    static CLEW_INLINE void store(T* to, Value value, int64_t count) { store_first(to, value, count); }
    static CLEW_INLINE Value repeat(const T* from) { return broadcast(*from); }
    static CLEW_INLINE Value conjugate(Value value) { return value; }
    static CLEW_INLINE Value multiply_add(Value a, Value b, Value c) { return a * b + c; }
};

template <class T>
struct ComplexNumbers {
    using Part = T;
    using Value = Complex<T>;
    static constexpr int parts = 2;

    static CLEW_INLINE Value load(const T* from, int64_t count) { return load_complex(from, count); }
    static CLEW_INLINE void store(T* to, Value value, int64_t count) { store_complex(to, value, count); }
    static CLEW_INLINE Value repeat(const T* from) { return {broadcast(from[0]), broadcast(from[1])}; }
    static CLEW_INLINE Value conjugate(Value value) { return CLEW_ISA::conjugate(value); }
    static CLEW_INLINE Value multiply_add(Value a, Value b, Value c) {
        return {c.re + a.re * b.re - a.im * b.im, c.im + a.re * b.im + a.im * b.re};
    }
};

// A sum whose error does not grow with the number of terms: what each addition loses is kept beside it.
// (T. J. Dekker 1971; D. E. Knuth, The Art of Computer Programming 2, section 4.2.2, theorem B.)
template <class T>
struct Total {
    Vec<T> value{}, lost{};

    CLEW_INLINE void add(Vec<T> term) {
        const Vec<T> next = value + term, taken = next - value;
        lost += (value - (next - taken)) + (term - taken);
        value = next;
    }
    CLEW_INLINE void add(const Total& other) {
        add(other.value);
        lost += other.lost;
    }
    CLEW_INLINE Vec<T> result() const { return value + lost; }
};

}  // namespace clew::CLEW_ISA
