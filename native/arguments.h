// From Python's tensors to plain arrays: every shape and type is checked here, so that a kernel never reads or
// writes out of bounds whatever it is called with.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <initializer_list>
#include <optional>

#include "core/array.h"

namespace clew {

using Tensor = nanobind::ndarray<nanobind::device::cpu>;
using Maybe = std::optional<Tensor>;

using Sizes = std::initializer_list<int64_t>;
using Types = std::initializer_list<Type>;

// The tensor as an array of this shape, of one of these types, its last axis without gaps; else a ValueError
// that names it. A missing tensor becomes an array that is not given.
Array array(const char* name, const Tensor& tensor, Sizes shape, Types types);
Array array(const char* name, const Maybe& tensor, Sizes shape, Types types);

// The same, where a size 1 stands for any: the array has the wanted shape, with stride 0 there.
Array broadcast_array(const char* name, const Tensor& tensor, Sizes shape, Types types);

// The same for a tensor without any gaps, which a kernel walks through.
Array packed(const char* name, const Tensor& tensor, Sizes shape, Types types);

// The same array, which a kernel is about to write from end to end: in large pages, where it is large and new.
Array written(const Array& array);

// What is in the tensor, whatever its shape is; a ValueError unless it has this many dimensions.
Array any_array(const char* name, const Tensor& tensor, int dimensions);

}  // namespace clew
