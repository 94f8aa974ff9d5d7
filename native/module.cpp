// The Python module clew._native. What each name takes is said where it is called: src/clew/ops/*/native.py.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

#include "bindings.h"
#include "core/isa.h"

NB_MODULE(_native, module) {
    module.attr("SOURCES") = CLEW_SOURCES;  // a digest of what this was built from
    module.def("isa", [] { return std::string(clew::isa_name(clew::isa())); });
    module.def("use_isa", [](const std::string& name) { clew::use_isa(name.c_str()); });
    module.def("isas", [] {
        std::vector<std::string> names;
        for (int one = 0; one <= static_cast<int>(clew::most_capable()); ++one)
            names.emplace_back(clew::isa_name(static_cast<clew::Isa>(one)));
        return names;
    });
    clew::bind_causal_conv(module);
    clew::bind_decode(module);
    clew::bind_diagonal_ssm(module);
    clew::bind_linear_scan(module);
    clew::bind_selective_scan(module);
    clew::bind_ssd(module);
    clew::bind_sums(module);
}
