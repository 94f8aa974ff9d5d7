// Which instruction set the kernels run with.
//
// Each file in kernels/ is compiled once per instruction set, with CLEW_ISA set to its name and with its flags,
// and keeps everything in namespace clew::CLEW_ISA. Nothing that such a file includes may define a function
// outside that namespace that the compiler could emit: the linker would keep one copy for all of them, perhaps
// the one that this processor cannot run. Templates of the standard library are such functions.
#pragma once

#if defined(__x86_64__) && !defined(CLEW_ONE_ISA)
#define CLEW_X86 1
#else
#define CLEW_X86 0
#endif

// Inlined at every optimisation level, so that it is never emitted.
#define CLEW_INLINE inline __attribute__((always_inline))

namespace clew {

enum class Isa { baseline, avx2, avx512 };  // from the least to the most

// The one in use. Decided at the first call: the most that this processor has, or less where the environment
// variable CLEW_NATIVE_ISA names less.
Isa isa();

// Takes another one from here on; for tests. Throws std::invalid_argument where this machine lacks it.
void use_isa(const char* name);

const char* isa_name(Isa);
Isa most_capable();

}  // namespace clew

// Declares a kernel, `void name(const Arguments&)`, in all instruction sets, and the function that calls the
// one in use.
#if CLEW_X86
#define CLEW_KERNEL(name, Arguments)                                    \
    namespace baseline { void name(const Arguments&); }                 \
    namespace avx2 { void name(const Arguments&); }                     \
    namespace avx512 { void name(const Arguments&); }                   \
    inline void name(const Arguments& arguments) {                      \
        switch (isa()) {                                                \
            case Isa::avx512: return avx512::name(arguments);           \
            case Isa::avx2: return avx2::name(arguments);               \
            case Isa::baseline: return baseline::name(arguments);       \
        }                                                               \
    }
#else
#define CLEW_KERNEL(name, Arguments)                                    \
    namespace baseline { void name(const Arguments&); }                 \
    inline void name(const Arguments& arguments) { baseline::name(arguments); }
#endif
