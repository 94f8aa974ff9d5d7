// Elementary functions of vectors. They are for use inside kernels: denormal results count as zero.
#pragma once

#if defined(__SSE2__)
#include <immintrin.h>
#endif
#include <limits>

#include "simd/vector.h"

namespace clew::CLEW_ISA {

template <class T>
struct Exp2;

// Relative error 9.1e−8, by the polynomial of degree 5 with p(0) = 1 that is nearest to 2^r in that sense on
// [−1/2, 1/2] (Lawson's algorithm). With p(0) = 1 a decay near one is as exact as its exponent.
template <>
struct Exp2<float> {
    using Bits = uint32_t;
    static constexpr int mantissa = 23;
    static constexpr float least = -127, most = 128, round = 12582912;  // 1.5 · 2²³
    static constexpr int terms = 5;
    static constexpr float term[] = {0.6931469776f, 0.2402224208f, 0.05550733744f, 0.009671512688f, 0.001326472725f};
};

// ln(2)ᵏ / k!: Taylor's series, whose rest is below 2e−16 of the value.
template <>
struct Exp2<double> {
    using Bits = uint64_t;
    static constexpr int mantissa = 52;
    static constexpr double least = -1023, most = 1024, round = 6755399441055744;  // 1.5 · 2⁵²
    static constexpr int terms = 12;
    static constexpr double term[] = {
        0.69314718055994530942,    0.24022650695910071233,    0.055504108664821579953,   0.0096181291076284771620,
        0.0013333558146428443424,  1.5403530393381609954e-4,  1.5252733804059840280e-5,  1.3215486790144309488e-6,
        1.0178086009239699727e-7,  7.0549116208011233298e-9,  4.4455382718708114976e-10, 2.5678435993488205141e-11};
};

// As one instruction: a < b ? a : b becomes two.
#if defined(CLEW_VECTOR_BYTES)
#define CLEW_ANY_VECTORS
#elif defined(__AVX512F__)
CLEW_INLINE Vec<float> minimum(Vec<float> a, Vec<float> b) { return _mm512_min_ps(a, b); }
CLEW_INLINE Vec<float> maximum(Vec<float> a, Vec<float> b) { return _mm512_max_ps(a, b); }
CLEW_INLINE Vec<double> minimum(Vec<double> a, Vec<double> b) { return _mm512_min_pd(a, b); }
CLEW_INLINE Vec<double> maximum(Vec<double> a, Vec<double> b) { return _mm512_max_pd(a, b); }
#elif defined(__AVX2__)
CLEW_INLINE Vec<float> minimum(Vec<float> a, Vec<float> b) { return _mm256_min_ps(a, b); }
CLEW_INLINE Vec<float> maximum(Vec<float> a, Vec<float> b) { return _mm256_max_ps(a, b); }
CLEW_INLINE Vec<double> minimum(Vec<double> a, Vec<double> b) { return _mm256_min_pd(a, b); }
CLEW_INLINE Vec<double> maximum(Vec<double> a, Vec<double> b) { return _mm256_max_pd(a, b); }
#elif defined(__SSE2__)
CLEW_INLINE Vec<float> minimum(Vec<float> a, Vec<float> b) { return _mm_min_ps(a, b); }
CLEW_INLINE Vec<float> maximum(Vec<float> a, Vec<float> b) { return _mm_max_ps(a, b); }
CLEW_INLINE Vec<double> minimum(Vec<double> a, Vec<double> b) { return _mm_min_pd(a, b); }
CLEW_INLINE Vec<double> maximum(Vec<double> a, Vec<double> b) { return _mm_max_pd(a, b); }
#else
#define CLEW_ANY_VECTORS
#endif
#if defined(CLEW_ANY_VECTORS)
template <class V>
CLEW_INLINE V minimum(V a, V b) { return a < b ? a : b; }
template <class V>
CLEW_INLINE V maximum(V a, V b) { return a > b ? a : b; }
#endif

template <class T>
CLEW_INLINE Vec<T> magnitude(Vec<T> a) { return maximum(a, -a); }

// 2^r for |r| ≤ 1/2.
template <class T>
CLEW_INLINE Vec<T> exp2_of_fraction(Vec<T> r) {
    using E = Exp2<T>;
    Vec<T> p = broadcast(E::term[E::terms - 1]);
    CLEW_UNROLL for (int k = E::terms - 2; k >= 0; --k) p = p * r + E::term[k];
    return p * r + 1;
}

// p 2^n, with n + E::round given: the integer n is in its lowest bits.
template <class T>
CLEW_INLINE Vec<T> times_exp2(Vec<T> p, Vec<T> shifted) {
    using Integers = Vec<typename Exp2<T>::Bits>;
    const Integers exponent = reinterpret_cast<Integers>(shifted) << Exp2<T>::mantissa;
    return reinterpret_cast<Vec<T>>(reinterpret_cast<Integers>(p) + exponent);
}

// 2^t; 0 from the least exponent down, ∞ from the largest up. NaN stays NaN: it has to be the second of two.
template <class T>
CLEW_INLINE Vec<T> exp2(Vec<T> t) {
    using E = Exp2<T>;
    t = minimum(broadcast(E::most), maximum(broadcast(E::least), t));
    const Vec<T> shifted = t + E::round;
    return times_exp2<T>(exp2_of_fraction<T>(t - (shifted - E::round)), shifted);
}

// 2^n for n, the integer next to t: what 2^(t − n) is multiplied with in loops over many exponents.
#if defined(__AVX512F__) && !defined(CLEW_ANY_VECTORS)
template <class T>
struct Power {
    Vec<T> n;
    CLEW_INLINE explicit Power(Vec<T> t) {
        constexpr int mode = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
        if constexpr (sizeof(T) == 4)
            n = _mm512_roundscale_ps(t, mode);
        else
            n = _mm512_roundscale_pd(t, mode);
    }
    CLEW_INLINE Vec<T> times(Vec<T> p) const {
        if constexpr (sizeof(T) == 4)
            return _mm512_scalef_ps(p, n);
        else
            return _mm512_scalef_pd(p, n);
    }
};
#else
template <class T>
struct Power {
    Vec<T> shifted, n;
    CLEW_INLINE explicit Power(Vec<T> t) : shifted(t + Exp2<T>::round), n(shifted - Exp2<T>::round) {}
    CLEW_INLINE Vec<T> times(Vec<T> p) const { return times_exp2<T>(p, shifted); }
};
#endif

// 2^(a b); 0 if the integer next to the product is the least exponent or below, ∞ if it is the largest or above. If it
// is known to be `bounded`, that is |a b| < exp2_bound, it is not looked at how large it is; the result is the same, to
// the bit. Where there are fused instructions, the compiler may leave the product unrounded.
template <class T>
constexpr T exp2_bound = Exp2<T>::most - 2;

template <bool bounded, class T>
CLEW_INLINE Vec<T> exp2_of_product(Vec<T> a, Vec<T> b) {
    using E = Exp2<T>;
    const Power<T> whole(a * b);
    const Vec<T> power = whole.times(exp2_of_fraction<T>(a * b - whole.n));
    if constexpr (bounded) return power;
    const Vec<T> not_below = whole.n <= E::least ? zero<T>() : power;
    return whole.n >= E::most ? broadcast(std::numeric_limits<T>::infinity()) : not_below;
}

constexpr double log2_e = 1.4426950408889634074, ln_2 = 0.69314718055994530942;

// The polynomial in s² nearest to (artanh(s) / s − 1) / s² for s ≤ 1/3 (Chebyshev): within 1.5e−7, and 4.5e−17.
template <class T>
struct Artanh;

template <>
struct Artanh<float> {
    static constexpr int terms = 4;
    static constexpr float term[] = {0.3333332017f, 0.2000378032f, 0.141183099f, 0.1342574901f};
};

template <>
struct Artanh<double> {
    static constexpr int terms = 10;
    static constexpr double term[] = {0.33333333333333329281,  0.20000000000007291337,  0.14285714283554378581,
                                      0.11111111358713931495,  0.090908947180664290846, 0.076927850324793115517,
                                      0.066570721048274680752, 0.060005364047953562676, 0.044003692430723369411,
                                      0.080820228059717661105};
};

// ln(1 + u) for 0 ≤ u ≤ 1 as 2 artanh(s), s = u / (2 + u): exact for small u as well.
template <class T>
CLEW_INLINE Vec<T> log1p(Vec<T> u) {
    using S = Artanh<T>;
    const Vec<T> s = u / (2 + u), square = s * s;
    Vec<T> series = broadcast(S::term[S::terms - 1]);
    CLEW_UNROLL for (int k = S::terms - 2; k >= 0; --k) series = series * square + S::term[k];
    return 2 * s + 2 * s * square * series;
}

// e^−|x|, from which softplus and the logistic function follow.
template <class T>
CLEW_INLINE Vec<T> exp_of_minus_absolute(Vec<T> x) {
    return exp2<T>(minimum(x, -x) * T(log2_e));
}

// ln(1 + eˣ), with u = e^−|x|.
template <class T>
CLEW_INLINE Vec<T> softplus(Vec<T> x, Vec<T> u) {
    return maximum(x, zero<T>()) + log1p<T>(u);
}

// 1 / (1 + e⁻ˣ), with u = e^−|x|.
template <class T>
CLEW_INLINE Vec<T> logistic(Vec<T> x, Vec<T> u) {
    return (x < 0 ? u : broadcast(T(1))) / (1 + u);
}

template <class T>
CLEW_INLINE Vec<T> logistic(Vec<T> x) {
    return logistic<T>(x, exp_of_minus_absolute<T>(x));
}

}  // namespace clew::CLEW_ISA
