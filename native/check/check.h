// What the checks share: noise, tensors of it, and the largest difference so far.
#pragma once

#include <array>
#include <cmath>
#include <complex>
#include <cstdint>
#include <vector>

#include "core/array.h"

namespace clew::check {

using Number = std::complex<float>;
using Exact = std::complex<double>;

inline double worst = 0;

inline void near(Exact actual, Exact expected) {
    const double difference = std::abs(actual - expected);
    if (!(difference <= worst)) worst = difference;  // not a number is the worst
}

inline double noise() {  // the same on every machine, between −1 and 1
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return state / 2147483648.0 - 1;
}

template <class T>
struct Tensor {
    std::vector<T> data;
    Array array;

    Tensor(Type type, std::vector<int64_t> shape, double scale = 0) {
        int64_t size = 1;
        array.type = type;
        array.dimensions = static_cast<int>(shape.size());
        for (int i = array.dimensions - 1; i >= 0; --i) {
            array.shape[i] = shape[i];
            array.stride[i] = size;
            size *= shape[i];
        }
        data.resize(size);
        for (T& number : data) {
            if constexpr (sizeof(T) == sizeof(float))
                number = static_cast<float>(scale * noise());
            else
                number = {static_cast<float>(scale * noise()), static_cast<float>(scale * noise())};
        }
        array.data = data.data();
    }
};

// Each gradient along one direction of noise, against the difference of the loss there and back. `by` holds the
// gradients of the numbers, perhaps in parts that are to be summed.
template <size_t count, class Loss>
void near_gradients(const std::array<std::vector<double>, count>& numbers, const std::vector<Tensor<float>>& by,
                    Loss loss) {
    for (size_t i = 0; i < count; ++i) {
        const size_t many = numbers[i].size(), parts = by[i].data.size() / many;
        auto up = numbers, down = numbers;
        double expected = 0, length = 0;
        for (size_t j = 0; j < many; ++j) {
            const double along = noise();
            double gradient = 0;
            for (size_t part = 0; part < parts; ++part) gradient += by[i].data[part * many + j];
            expected += gradient * along;
            length += std::abs(gradient * along);
            up[i][j] += 1e-5 * along, down[i][j] -= 1e-5 * along;
        }
        near(expected / length, (loss(up) - loss(down)) / 2e-5 / length);
    }
}

// A file each, named after the operation.
void linear_scan();
void diagonal_ssm();
void selective_scan();
void ssd();
void causal_conv();
void decode();

}  // namespace clew::check
