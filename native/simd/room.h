// Memory handed out piece by piece.
#pragma once

#include "simd/strip.h"

namespace clew::CLEW_ISA {

// Whole lines of cache at a time; without memory, it only counts.
template <class T>
struct Room {
    T* memory;
    int64_t used = 0;
    CLEW_INLINE T* take(int64_t numbers) {
        T* taken = memory == nullptr ? nullptr : memory + used;
        used += (numbers + lanes<T> - 1) / lanes<T> * lanes<T>;
        return taken;
    }
};

}  // namespace clew::CLEW_ISA
