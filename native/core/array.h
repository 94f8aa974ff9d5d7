// A tensor as the kernels see it: where it is, how large, how far apart.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/isa.h"

namespace clew {

enum class Type { float32, float64, bfloat16, float16, complex64, complex128, boolean, int64, uint8 };

// Strides count elements. An array that was not given has no data.
struct Array {
    static constexpr int most_dimensions = 5;

    void* data = nullptr;
    Type type = Type::float32;
    int dimensions = 0;
    int64_t shape[most_dimensions] = {};
    int64_t stride[most_dimensions] = {};

    CLEW_INLINE bool given() const { return data != nullptr; }

    template <class T>
    CLEW_INLINE T* at(int64_t i0 = 0, int64_t i1 = 0, int64_t i2 = 0) const {
        return static_cast<T*>(data) + i0 * stride[0] + i1 * stride[1] + i2 * stride[2];
    }

    // The real part of a complex number of T; its imaginary part is next.
    template <class T>
    CLEW_INLINE T* complex_at(int64_t i0 = 0, int64_t i1 = 0, int64_t i2 = 0) const {
        return static_cast<T*>(data) + 2 * (i0 * stride[0] + i1 * stride[1] + i2 * stride[2]);
    }
};

}  // namespace clew
