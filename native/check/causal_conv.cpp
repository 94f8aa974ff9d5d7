#include "kernels/causal_conv.h"

#include "check/check.h"

namespace clew::check {
namespace {

// y and the gradients of Σ g · y, whose derivative by the convolution's sum s is g σ(s) (1 + s (1 − σ(s))).
void check(int64_t batch, int64_t time, int64_t channels, int64_t width) {
    const std::vector<int64_t> signal{batch, time, channels}, before{batch, width - 1, channels};
    Tensor<float> x(Type::float32, signal, 1), weight(Type::float32, {width, channels}, 1);
    Tensor<float> bias(Type::float32, {channels}, 1), start(Type::float32, before, 1);
    Tensor<float> y(Type::float32, signal), g(Type::float32, signal, 1), dx(Type::float32, signal);
    Tensor<float> dstart(Type::float32, before), dweight(Type::float32, {batch, width, channels});
    Tensor<float> dbias(Type::float32, {batch, channels});
    const CausalConv conv{x.array, weight.array, bias.array, start.array, {}, true, 3};
    causal_conv_forward({conv, y.array});
    causal_conv_backward({conv, g.array, dx.array, dstart.array, dweight.array, dbias.array});
    for (int64_t b = 0; b < batch; ++b)
        for (int64_t c = 0; c < channels; ++c) {
            // The inputs in a row, those before the first among them.
            std::vector<double> inputs, by_inputs(width - 1 + time), by_weight(width);
            double by_bias = 0;
            for (int64_t j = 0; j < width - 1; ++j) inputs.push_back(start.data[(b * (width - 1) + j) * channels + c]);
            for (int64_t k = 0; k < time; ++k) inputs.push_back(x.data[(b * time + k) * channels + c]);
            for (int64_t k = 0; k < time; ++k) {
                const int64_t at = (b * time + k) * channels + c;
                double sum = bias.data[c];
                for (int64_t j = 0; j < width; ++j) sum += double(weight.data[j * channels + c]) * inputs[k + j];
                const double open = 1 / (1 + std::exp(-sum)), slope = g.data[at] * open * (1 + sum * (1 - open));
                near(y.data[at], sum * open);
                by_bias += slope;
                for (int64_t j = 0; j < width; ++j) {
                    by_weight[j] += slope * inputs[k + j];
                    by_inputs[k + j] += slope * weight.data[j * channels + c];
                }
            }
            near(dbias.data[b * channels + c], by_bias);
            for (int64_t j = 0; j < width; ++j) near(dweight.data[(b * width + j) * channels + c], by_weight[j]);
            for (int64_t j = 0; j < width - 1; ++j)
                near(dstart.data[(b * (width - 1) + j) * channels + c], by_inputs[j]);
            for (int64_t k = 0; k < time; ++k)
                near(dx.data[(b * time + k) * channels + c], by_inputs[width - 1 + k]);
        }
}

}  // namespace

void causal_conv() {
    check(1, 1, 1, 1);
    check(2, 70, 37, 4);
    check(3, 2, 16, 4);
    check(2, 65, 5, 3);
}

}  // namespace clew::check
