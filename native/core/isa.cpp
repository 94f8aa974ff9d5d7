#include "core/isa.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace clew {
namespace {

constexpr Isa every[] = {Isa::baseline, Isa::avx2, Isa::avx512};

Isa named(const std::string& name) {
    for (Isa one : every)
        if (name == isa_name(one) && one <= most_capable()) return one;
    std::string known;
    for (Isa one : every)
        if (one <= most_capable()) known += std::string(known.empty() ? "" : ", ") + isa_name(one);
    throw std::invalid_argument("no instruction set '" + name + "' here; there are: " + known);
}

Isa first_choice() {
    const char* name = std::getenv("CLEW_NATIVE_ISA");
    if (name == nullptr || *name == '\0') return most_capable();
    // A name that this machine has nothing for asks for more than there is; it can only lower the choice.
    for (Isa one : every)
        if (std::string(name) == isa_name(one)) return one < most_capable() ? one : most_capable();
    throw std::invalid_argument("CLEW_NATIVE_ISA is '" + std::string(name) +
                                "'; wanted baseline, avx2 or avx512");
}

std::atomic<int> chosen{-1};

}  // namespace

const char* isa_name(Isa one) {
    switch (one) {
        case Isa::avx512: return "avx512";
        case Isa::avx2: return "avx2";
        case Isa::baseline: return "baseline";
    }
    return "";
}

Isa most_capable() {
#if CLEW_X86
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return Isa::avx512;
    if (avx2) return Isa::avx2;
#endif
    return Isa::baseline;
}

Isa isa() {
    int now = chosen.load(std::memory_order_relaxed);
    if (now < 0) {
        now = static_cast<int>(first_choice());
        chosen.store(now, std::memory_order_relaxed);
    }
    return static_cast<Isa>(now);
}

void use_isa(const char* name) { chosen.store(static_cast<int>(named(name)), std::memory_order_relaxed); }

}  // namespace clew
