#include "kernels/decode.h"

#include "check/check.h"

namespace clew::check {
namespace {

int64_t padded(int64_t rows) { return (rows + panel_rows - 1) / panel_rows * panel_rows; }
double silu(double x) { return x / (1 + std::exp(-x)); }
double softplus(double x) { return std::log1p(std::exp(x)); }

// A matrix in panels, and its product. Int8 has one scale, 1/64, in bfloat16.
struct Matrix {
    std::vector<std::vector<double>> rows;  // those between the parts are zero
    std::vector<char> panels;
    PanelMatrix packed;

    Matrix(Weights kind, std::vector<int64_t> parts, int64_t columns) {
        const int64_t block = block_columns(kind), blocks = (columns + block - 1) / block;
        for (int64_t part : parts)
            for (int64_t r = 0; r < padded(part); ++r) {
                rows.emplace_back(columns);
                if (r < part)
                    for (double& number : rows.back()) number = std::round(noise() * 64) / 64;
            }
        const int64_t count = static_cast<int64_t>(rows.size()) / panel_rows, bytes = blocks * block_bytes(kind);
        panels.resize(count * bytes);
        for (int64_t r = 0; r < static_cast<int64_t>(rows.size()); ++r)
            for (int64_t c = 0; c < columns; ++c) {
                char* at = &panels[r / panel_rows * bytes + c / block * block_bytes(kind)];
                const int64_t row = r % panel_rows, column = c % block;
                const float number = static_cast<float>(rows[r][c]);
                const uint16_t upper = static_cast<uint16_t>(__builtin_bit_cast(uint32_t, number) >> 16), scale = 0x3c80;
                if (kind == Weights::float32) __builtin_memcpy(at + 4 * (column * panel_rows + row), &number, 4);
                if (kind == Weights::bfloat16) __builtin_memcpy(at + 2 * (2 * row + column), &upper, 2);
                if (kind == Weights::int8) {  // where char is unsigned, a negative number would become 0
                    at[column * panel_rows + row] = static_cast<char>(static_cast<int8_t>(number * 64));
                    __builtin_memcpy(at + block * panel_rows + 2 * row, &scale, 2);
                }
            }
        packed.panels.data = panels.data(), packed.panels.type = Type::uint8, packed.panels.dimensions = 2;
        packed.panels.shape[0] = count, packed.panels.shape[1] = packed.panels.stride[0] = bytes;
        packed.panels.stride[1] = 1, packed.kind = kind, packed.columns = blocks * block;
    }
    Matrix(const Matrix&) = delete;

    std::vector<double> operator*(const std::vector<double>& x) const {
        std::vector<double> y(rows.size());
        for (size_t r = 0; r < rows.size(); ++r)
            for (size_t c = 0; c < rows[r].size(); ++c) y[r] += rows[r][c] * x[c];
        return y;
    }
};

std::vector<double> normed(const std::vector<double>& x, const Tensor<float>& weight) {
    double squares = 0;
    for (double number : x) squares += number * number;
    std::vector<double> y(x.size());
    for (size_t i = 0; i < x.size(); ++i) y[i] = x[i] / std::sqrt(squares / x.size() + 1e-5) * weight.data[i];
    return y;
}

// One layer of Mamba, some tokens of a batch of two, tied.
void check(Weights kind, int64_t channels, int64_t inner, int64_t states, int64_t rank, int64_t width) {
    const int64_t tokens = 21, batch = 2, past = width - 1, size = past * inner + inner * states;
    Matrix embedding(kind, {tokens}, channels), in(kind, {inner, inner}, channels), out(kind, {channels}, inner);
    Matrix selecting(kind, {rank, states, states}, inner), stepping(kind, {inner}, rank);
    Tensor<float> first(Type::float32, {channels}, 1), last(Type::float32, {channels}, 1);
    Tensor<float> taps(Type::float32, {width, padded(inner)}, 1), A(Type::float32, {inner, states}, 1);
    Tensor<float> D(Type::float32, {padded(inner)}, 1);
    for (int64_t c = inner; c < padded(inner); ++c) {
        D.data[c] = 0;
        for (int64_t k = 0; k < width; ++k) taps.data[k * padded(inner) + c] = 0;
    }
    for (float& number : A.data) number -= 1.5f;
    const auto norm = [](const Tensor<float>& weight) { return DecodeNorm{NormKind::rms, weight.array, {}, 1e-5f}; };
    DecodeLayer layer;
    layer.kind = MixerKind::mamba, layer.norm = norm(first), layer.in_proj = in.packed, layer.out_proj = out.packed;
    layer.taps = taps.array, layer.D = D.array, layer.A = A.array;
    layer.x_proj = selecting.packed, layer.dt_proj = stepping.packed;
    layer.inner = layer.convolved = inner, layer.states = states, layer.past = past, layer.rank = rank;
    const DecodeModel model{&layer, 1, channels, norm(last), embedding.packed, embedding.packed};

    Tensor<float> state(Type::float32, {batch, size}), after(Type::float32, {batch, size});
    Tensor<float> logits(Type::float32, {batch, tokens});
    std::vector<int64_t> token(batch);
    Array ids;
    ids.data = token.data(), ids.type = Type::int64, ids.dimensions = 1, ids.shape[0] = batch, ids.stride[0] = 1;
    std::vector<std::vector<double>> inputs(batch, std::vector<double>(inner * past)), h(batch);
    for (auto& row : h) row.resize(inner * states);
    for (int64_t k = 0; k < 4; ++k) {
        for (int64_t b = 0; b < batch; ++b) token[b] = (5 * k + 7 * b) % tokens;
        decode_step({&model, ids, state.array, after.array, logits.array, 3});
        state.data = after.data;
        for (int64_t b = 0; b < batch; ++b) {
            std::vector<double> x = embedding.rows[token[b]], u(inner), y(inner), low(rank);
            const std::vector<double> vz = in * normed(x, first);
            for (int64_t c = 0; c < inner; ++c) {
                inputs[b].insert(inputs[b].begin() + c * width + past, vz[c]);  // (channel, time), one longer
                double sum = 0;
                for (int64_t t = 0; t < width; ++t) sum += taps.data[t * padded(inner) + c] * inputs[b][c * width + t];
                u[c] = silu(sum);
            }
            for (int64_t c = 0; c < inner; ++c) inputs[b].erase(inputs[b].begin() + c * past);
            const std::vector<double> chosen = selecting * u;
            for (int64_t r = 0; r < rank; ++r) low[r] = chosen[r];
            const std::vector<double> raw = stepping * low;
            const double *B = &chosen[padded(rank)], *C = B + padded(states);
            for (int64_t c = 0; c < inner; ++c) {
                const double delta = softplus(raw[c]);
                double sum = D.data[c] * u[c];
                for (int64_t n = 0; n < states; ++n) {
                    double& one = h[b][c * states + n];
                    one = std::exp(delta * A.data[c * states + n]) * one + delta * u[c] * B[n];
                    sum += one * C[n];
                }
                y[c] = sum * silu(vz[padded(inner) + c]);
            }
            const std::vector<double> added = out * y;
            for (int64_t c = 0; c < channels; ++c) x[c] += added[c];
            const std::vector<double> wanted = embedding * normed(x, last);
            double largest = 1;
            for (double number : wanted) largest = std::max(largest, std::abs(number));
            for (int64_t i = 0; i < tokens; ++i) near(logits.data[b * tokens + i] / largest, wanted[i] / largest);
        }
    }
}

}  // namespace

void decode() {
    for (Weights kind : {Weights::float32, Weights::bfloat16, Weights::int8}) {
        check(kind, 20, 37, 5, 3, 4);
        check(kind, 48, 300, 16, 17, 1);
    }
}

}  // namespace clew::check
