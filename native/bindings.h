// One function for each file in bindings/, which adds that file's names to the module.
#pragma once

#include <nanobind/nanobind.h>

namespace clew {

void bind_causal_conv(nanobind::module_& module);
void bind_decode(nanobind::module_& module);
void bind_diagonal_ssm(nanobind::module_& module);
void bind_linear_scan(nanobind::module_& module);
void bind_selective_scan(nanobind::module_& module);
void bind_ssd(nanobind::module_& module);
void bind_sums(nanobind::module_& module);

}  // namespace clew
