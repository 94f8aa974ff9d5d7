#include "arguments.h"

#include <stdexcept>
#include <string>

#include "core/memory.h"

namespace nb = nanobind;

namespace clew {
namespace {

[[noreturn]] void refuse(const char* name, const std::string& what) {
    throw std::invalid_argument(std::string(name) + " " + what);
}

Type type_of(const char* name, nb::dlpack::dtype type) {
    const auto code = static_cast<nb::dlpack::dtype_code>(type.code);
    if (type.lanes == 1) switch (code) {
            case nb::dlpack::dtype_code::Float:
                if (type.bits == 32) return Type::float32;
                if (type.bits == 64) return Type::float64;
                if (type.bits == 16) return Type::float16;
                break;
            case nb::dlpack::dtype_code::Bfloat:
                if (type.bits == 16) return Type::bfloat16;
                break;
            case nb::dlpack::dtype_code::Complex:
                if (type.bits == 64) return Type::complex64;
                if (type.bits == 128) return Type::complex128;
                break;
            case nb::dlpack::dtype_code::Int:
                if (type.bits == 64) return Type::int64;
                break;
            case nb::dlpack::dtype_code::UInt:
                if (type.bits == 8) return Type::uint8;
                break;
            case nb::dlpack::dtype_code::Bool:
                if (type.bits == 8) return Type::boolean;
                break;
            default: break;
        }
    refuse(name, "has a dtype that no kernel takes");
}

size_t size_of(Type type) {
    switch (type) {
        case Type::complex128: return 16;
        case Type::float64:
        case Type::complex64:
        case Type::int64: return 8;
        case Type::float32: return 4;
        case Type::bfloat16:
        case Type::float16: return 2;
        case Type::boolean:
        case Type::uint8: break;
    }
    return 1;
}

std::string text(const int64_t* sizes, size_t count) {
    std::string all = "(";
    for (size_t i = 0; i < count; ++i) all += (i ? ", " : "") + std::to_string(sizes[i]);
    return all + ")";
}

Array checked(const char* name, const Tensor& tensor, Sizes shape, Types types, bool broadcast) {
    Array array = any_array(name, tensor, static_cast<int>(shape.size()));
    const int64_t* wanted = shape.begin();
    for (int i = 0; i < array.dimensions; ++i) {
        if (array.shape[i] == 1 && (broadcast || wanted[i] == 1)) {
            array.shape[i] = wanted[i];
            array.stride[i] = 0;
        }
        if (array.shape[i] != wanted[i])
            refuse(name, "has shape " + text(array.shape, array.dimensions) + "; wanted " +
                             text(wanted, shape.size()));
    }
    const int last = array.dimensions - 1;
    const bool gaps = tensor.size() > 0 && array.shape[last] > 1 && array.stride[last] != 1;
    if (gaps && !(broadcast && array.stride[last] == 0))
        refuse(name, "has gaps along its last axis");
    for (Type type : types)
        if (type == array.type) return array;
    refuse(name, "has another dtype than this kernel takes here");
}

bool has_gaps(const Array& array) {
    int64_t step = 1;
    for (int i = array.dimensions - 1; i >= 0; --i) {
        if (array.shape[i] > 1 && array.stride[i] != step) return true;
        step *= array.shape[i];
    }
    return false;
}

}  // namespace

Array any_array(const char* name, const Tensor& tensor, int dimensions) {
    if (static_cast<int>(tensor.ndim()) != dimensions || dimensions > Array::most_dimensions)
        refuse(name, "has " + std::to_string(tensor.ndim()) + " dimensions; wanted " + std::to_string(dimensions));
    Array array;
    // An empty tensor may have no memory; it is given all the same.
    static char nothing;
    array.data = tensor.size() == 0 || tensor.data() == nullptr ? &nothing : tensor.data();
    array.type = type_of(name, tensor.dtype());
    array.dimensions = dimensions;
    for (int i = 0; i < dimensions; ++i) {
        array.shape[i] = static_cast<int64_t>(tensor.shape(i));
        array.stride[i] = tensor.stride(i);
    }
    return array;
}

Array array(const char* name, const Tensor& tensor, Sizes shape, Types types) {
    return checked(name, tensor, shape, types, false);
}

Array array(const char* name, const Maybe& tensor, Sizes shape, Types types) {
    return tensor ? array(name, *tensor, shape, types) : Array{};
}

Array packed(const char* name, const Tensor& tensor, Sizes shape, Types types) {
    const Array given = checked(name, tensor, shape, types, false);
    if (tensor.size() > 0 && has_gaps(given)) refuse(name, "has gaps");
    return given;
}

Array written(const Array& array) {
    if (array.given() && !has_gaps(array)) {
        size_t bytes = size_of(array.type);
        for (int i = 0; i < array.dimensions; ++i) bytes *= static_cast<size_t>(array.shape[i]);
        prefer_large_pages(array.data, bytes);
    }
    return array;
}

Array broadcast_array(const char* name, const Tensor& tensor, Sizes shape, Types types) {
    return checked(name, tensor, shape, types, true);
}

}  // namespace clew
