#include "kernels/ssd.h"

#include "check/check.h"

namespace clew::check {
namespace {

struct Sizes {
    int64_t batch, time, heads, own, groups, states;
    int64_t channels() const { return heads * own; }
};

// x, delta, the logarithm of the decay, B, C, D and the initial state, in this order.
enum { X, DELTA, EXPONENT, B, C, D, START, COUNT };
using Numbers = std::array<std::vector<double>, COUNT>;

// Σ g · y by a loop; y and the final state to where these are not null.
double loop(const Sizes& size, const Numbers& in, const std::vector<float>& g, std::vector<double>* y,
            std::vector<double>* end) {
    const auto [batch, time, heads, own, groups, states] = size;
    double total = 0;
    for (int64_t b = 0; b < batch; ++b)
        for (int64_t c = 0; c < size.channels(); ++c) {
            const int64_t head = c / own;
            std::vector<double> h(states);
            for (int64_t n = 0; n < states; ++n) h[n] = in[START][(b * size.channels() + c) * states + n];
            for (int64_t k = 0; k < time; ++k) {
                const int64_t at = (b * time + k) * size.channels() + c, sample = (b * time + k) * heads + head;
                const int64_t matrix = ((b * time + k) * groups + head / (heads / groups)) * states;
                double sum = in[D][head] * in[X][at];
                for (int64_t n = 0; n < states; ++n) {
                    h[n] = std::exp(in[EXPONENT][sample]) * h[n] + in[DELTA][sample] * in[B][matrix + n] * in[X][at];
                    sum += in[C][matrix + n] * h[n];
                }
                if (y != nullptr) y->push_back(sum);
                total += g[at] * sum;
            }
            if (end != nullptr) end->insert(end->end(), h.begin(), h.end());
        }
    return total;
}

void check(const Sizes& size, int64_t splits) {
    const auto [batch, time, heads, own, groups, states] = size;
    const int64_t channels = size.channels(), padded = (own + 15) / 16 * 16;
    const int64_t chunks = (time + scan_chunk - 1) / scan_chunk;
    const std::vector<int64_t> signal{batch, time, channels}, step{batch, time, heads};
    const std::vector<int64_t> matrix{batch, time, groups, states}, state{batch, channels, states};
    const std::vector<int64_t> sums{splits, batch, time, groups, states};
    const std::vector<int64_t> shapes[COUNT] = {signal, step, step, matrix, matrix, {heads}, state};
    std::vector<Tensor<float>> in;
    for (const auto& shape : shapes) in.emplace_back(Type::float32, shape, 1);
    for (float& e : in[EXPONENT].data) e = -std::abs(e);
    Tensor<float> decay(Type::float32, step);
    for (size_t i = 0; i < decay.data.size(); ++i) decay.data[i] = std::exp(in[EXPONENT].data[i]);
    const Ssd scan{in[X].array, in[DELTA].array, decay.array, in[B].array, in[C].array, in[D].array,
                   in[START].array, {}, splits, 3};
    Tensor<float> y(Type::float32, signal), end(Type::float32, state), g(Type::float32, signal, 1);
    Tensor<float> saved(Type::float32, {batch, chunks, heads, padded, states}), none(Type::float32, state);
    ssd_forward({scan, y.array, end.array, saved.array});

    // In the order of the inputs; what comes as partial sums has more dimensions.
    const std::vector<int64_t> gradient_shapes[COUNT] = {signal, step, step, sums, sums, {batch, channels}, state};
    std::vector<Tensor<float>> by;
    for (const auto& shape : gradient_shapes) by.emplace_back(Type::float32, shape);
    Ssd given = scan;
    given.initial_state = {};  // the first saved state holds it
    ssd_backward({given, g.array, none.array, saved.array, by[X].array, by[DELTA].array, by[EXPONENT].array,
                  by[START].array, by[B].array, by[C].array, by[D].array});
    std::vector<float> by_head(heads);
    for (int64_t i = 0; i < batch * channels; ++i) by_head[i % channels / own] += by[D].data[i];
    by[D].data = by_head;

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

void ssd() {
    check({1, 1, 1, 1, 1, 1}, 1);
    check({3, 70, 3, 37, 1, 5}, 2);
    check({2, 64, 2, 16, 1, 16}, 1);
    check({2, 33, 4, 21, 2, 9}, 2);
}

}  // namespace clew::check
