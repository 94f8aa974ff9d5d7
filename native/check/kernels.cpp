// A check of the kernels without Python: against loops in double, on sizes with ends in every direction. For
// machines that are only emulated, and for widths of vectors that this machine has no instructions for.
#include <cstdio>

#include "check/check.h"
#include "core/isa.h"

int main() {
    clew::use_isa("baseline");  // the only one that is linked in
    clew::check::linear_scan();
    clew::check::diagonal_ssm();
    clew::check::selective_scan();
    clew::check::ssd();
    clew::check::causal_conv();
    clew::check::decode();
    std::printf("differs by %.1e at the most\n", clew::check::worst);
    return clew::check::worst < 1e-4 ? 0 : 1;  // float32, sums of some thousand terms of order 1
}
