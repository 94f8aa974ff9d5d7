#include "kernels/selective_scan.h"

#include "check/check.h"

namespace clew::check {
namespace {

struct Sizes {
    int64_t batch, time, channels, groups, states;
};

// x, dt, z, A, B, C, D, dt_bias and the initial state, in this order.
enum { X, DT, Z, A, B, C, D, BIAS, START, COUNT };
using Numbers = std::array<std::vector<double>, COUNT>;

double silu(double z) { return z / (1 + std::exp(-z)); }

// Σ g · y by a loop; y and the final state to where these are not null.
double loop(const Sizes& size, const Numbers& in, const std::vector<float>& g, std::vector<double>* y,
            std::vector<double>* end) {
    const auto [batch, time, channels, groups, states] = size;
    double total = 0;
    for (int64_t b = 0; b < batch; ++b)
        for (int64_t c = 0; c < channels; ++c) {
            std::vector<double> h(states);
            for (int64_t n = 0; n < states; ++n) h[n] = in[START][(b * channels + c) * states + n];
            for (int64_t k = 0; k < time; ++k) {
                const int64_t at = (b * time + k) * channels + c;
                const int64_t matrix = ((b * time + k) * groups + c / (channels / groups)) * states;
                const double delta = std::log1p(std::exp(in[DT][at] + in[BIAS][c]));
                double sum = in[D][c] * in[X][at];
                for (int64_t n = 0; n < states; ++n) {
                    h[n] = std::exp(delta * in[A][c * states + n]) * h[n] + delta * in[B][matrix + n] * in[X][at];
                    sum += in[C][matrix + n] * h[n];
                }
                sum *= silu(in[Z][at]);
                if (y != nullptr) y->push_back(sum);
                total += g[at] * sum;
            }
            if (end != nullptr) end->insert(end->end(), h.begin(), h.end());
        }
    return total;
}

void check(const Sizes& size, int64_t splits) {
    const auto [batch, time, channels, groups, states] = size;
    const int64_t own = (channels / groups + 15) / 16 * 16, chunks = (time + scan_chunk - 1) / scan_chunk;
    const std::vector<int64_t> signal{batch, time, channels}, matrix{batch, time, groups, states};
    const std::vector<int64_t> state{batch, channels, states}, sums{splits, batch, time, groups, states};
    const std::vector<int64_t> shapes[COUNT] = {signal, signal, signal, {channels, states}, matrix, matrix,
                                                {channels}, {channels}, state};
    std::vector<Tensor<float>> in;
    for (const auto& shape : shapes) in.emplace_back(Type::float32, shape, 1);
    for (float& a : in[A].data) a = -std::abs(a) - 0.1f;
    const SelectiveScan scan{in[X].array, in[DT].array, in[A].array, in[B].array, in[C].array, in[D].array,
                             in[Z].array, in[BIAS].array, in[START].array, {}, true, splits, 3};
    Tensor<float> y(Type::float32, signal), end(Type::float32, state), g(Type::float32, signal, 1);
    Tensor<float> saved(Type::float32, {batch, chunks, groups, own, states}), none(Type::float32, state);
    selective_scan_forward({scan, y.array, end.array, saved.array});

    // In the order of the inputs; what comes as partial sums has one more dimension, or two.
    const std::vector<int64_t> gradient_shapes[COUNT] = {signal, signal, signal, state, sums, sums,
                                                         {batch, channels}, {batch, channels}, state};
    std::vector<Tensor<float>> by;
    for (const auto& shape : gradient_shapes) by.emplace_back(Type::float32, shape);
    SelectiveScan given = scan;
    given.initial_state = {};  // the first saved state holds it
    selective_scan_backward({given, g.array, none.array, saved.array, by[X].array, by[DT].array, by[Z].array,
                             by[START].array, by[B].array, by[C].array, by[A].array, by[D].array, by[BIAS].array});

    Numbers numbers;
    for (int i = 0; i < COUNT; ++i) numbers[i].assign(in[i].data.begin(), in[i].data.end());
    std::vector<double> outputs, finals;
    loop(size, numbers, g.data, &outputs, &finals);
    for (int64_t b = 0, i = 0; b < batch; ++b)
        for (int64_t c = 0; c < channels; ++c)
            for (int64_t k = 0; k < time; ++k) near(y.data[(b * time + k) * channels + c], outputs[i++]);
    for (size_t i = 0; i < finals.size(); ++i) near(end.data[i], finals[i]);

    near_gradients(numbers, by, [&](const Numbers& at) { return loop(size, at, g.data, nullptr, nullptr); });
}

}  // namespace

void selective_scan() {
    check({1, 1, 1, 1, 1}, 1);
    check({3, 70, 37, 1, 5}, 2);
    check({2, 64, 16, 1, 16}, 1);
    check({2, 33, 42, 2, 9}, 2);
}

}  // namespace clew::check
