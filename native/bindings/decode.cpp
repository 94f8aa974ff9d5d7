#include "kernels/decode.h"

#include <nanobind/stl/string.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "arguments.h"
#include "bindings.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace clew {
namespace {

constexpr Types numbers = {Type::float32};

int64_t padded(int64_t rows) { return (rows + panel_rows - 1) / panel_rows * panel_rows; }

// A model of which every array was checked. It holds what they lie in.
class HeldModel {
public:
    // What the attributes are is said where they are made: src/clew/ops/decode/weights.py.
    explicit HeldModel(nb::handle weights) {
        const auto tokens = nb::cast<int64_t>(weights.attr("n_tokens"));
        model.channels = nb::cast<int64_t>(weights.attr("channels"));
        model.norm = norm(weights.attr("norm"));
        model.embedding = matrix("embedding", weights.attr("embedding"), padded(tokens), model.channels);
        model.head = matrix("head", weights.attr("head"), padded(tokens), model.channels);
        for (nb::handle layer : weights.attr("layers"))
            layers.push_back(nb::hasattr(layer, "x_proj") ? mamba(layer) : mamba2(layer));
        model.layers = layers.data(), model.depth = static_cast<int64_t>(layers.size());
        n_tokens = tokens;
        for (const DecodeLayer& layer : layers) state_size += layer.state_size();
    }
    HeldModel(const HeldModel&) = delete;

    void step(const Tensor& token, const Tensor& state, const Tensor& state_after, const Tensor& logits,
              int threads) const {
        const int64_t batch = any_array("token", token, 1).shape[0];
        const DecodeStep step{
            &model,
            array("token", token, {batch}, {Type::int64}),
            array("state", state, {batch, state_size}, numbers),
            array("state_after", state_after, {batch, state_size}, numbers),
            array("logits", logits, {batch, n_tokens}, numbers),
            threads,
        };
        for (int64_t row = 0; row < batch; ++row)
            if (*step.tokens.at<int64_t>(row) < 0 || *step.tokens.at<int64_t>(row) >= n_tokens)
                throw std::invalid_argument("token has a number that is no token");
        nb::gil_scoped_release release;
        decode_step(step);
    }

private:
    // A tensor without gaps, which is kept; missing where it may be.
    Array held(const char* name, nb::handle tensor, Sizes shape, Types types = numbers) {
        kept.push_back(nb::cast<Tensor>(tensor));
        return packed(name, kept.back(), shape, types);
    }
    Array held_or_missing(const char* name, nb::handle tensor, Sizes shape) {
        return tensor.is_none() ? Array{} : held(name, tensor, shape);
    }

    PanelMatrix matrix(const char* name, nb::handle given, int64_t rows, int64_t columns) {
        PanelMatrix matrix;
        const auto kind = nb::cast<std::string>(given.attr("kind"));
        if (kind != "float32" && kind != "bfloat16" && kind != "int8")
            throw std::invalid_argument(std::string(name) + " has weights of no kind that there is");
        matrix.kind = kind == "float32" ? Weights::float32 : kind == "bfloat16" ? Weights::bfloat16 : Weights::int8;
        const int64_t together = block_columns(matrix.kind), blocks = (columns + together - 1) / together;
        matrix.columns = blocks * together;
        matrix.panels =
            held(name, given.attr("panels"), {rows / panel_rows, blocks * block_bytes(matrix.kind)}, {Type::uint8});
        matrix.bias = held_or_missing(name, given.attr("bias"), {rows});
        return matrix;
    }

    DecodeNorm norm(nb::handle given) {
        DecodeNorm norm;
        const auto kind = nb::cast<std::string>(given.attr("kind"));
        if (kind == "none") return norm;
        if (kind != "rms" && kind != "layer") throw std::invalid_argument("norm is of no kind that there is");
        norm.kind = kind == "rms" ? NormKind::rms : NormKind::layer;
        norm.weight = held("norm", given.attr("weight"), {model.channels});
        if (norm.kind == NormKind::layer) norm.bias = held("norm", given.attr("bias"), {model.channels});
        norm.epsilon = nb::cast<float>(given.attr("epsilon"));
        return norm;
    }

    // What both mixers have; sizes first.
    void shared(nb::handle given, DecodeLayer& layer) {
        const int64_t width = any_array("taps", nb::cast<Tensor>(given.attr("taps")), 2).shape[0];
        if (width < 1 || layer.inner < 1 || layer.states < 1) throw std::invalid_argument("a layer has no size");
        layer.past = width - 1;
        layer.norm = norm(given.attr("norm"));
        layer.taps = held("taps", given.attr("taps"), {width, padded(layer.convolved)});
        layer.conv_bias = held_or_missing("conv_bias", given.attr("conv_bias"), {padded(layer.convolved)});
        layer.step_size = nb::cast<float>(given.attr("step_size"));
        layer.out_proj = matrix("out_proj", given.attr("out_proj"), padded(model.channels), layer.inner);
    }

    DecodeLayer mamba(nb::handle given) {
        DecodeLayer layer;
        layer.kind = MixerKind::mamba;
        const Array A = any_array("A", nb::cast<Tensor>(given.attr("A")), 2);
        layer.inner = layer.convolved = A.shape[0], layer.states = A.shape[1];
        layer.rank = nb::cast<int64_t>(given.attr("rank"));
        if (layer.rank < 1) throw std::invalid_argument("a layer has no rank");
        shared(given, layer);
        layer.in_proj = matrix("in_proj", given.attr("in_proj"), 2 * padded(layer.inner), model.channels);
        layer.x_proj = matrix("x_proj", given.attr("x_proj"), padded(layer.rank) + 2 * padded(layer.states),
                              layer.inner);
        layer.dt_proj = matrix("dt_proj", given.attr("dt_proj"), padded(layer.inner), layer.rank);
        layer.A = held("A", given.attr("A"), {layer.inner, layer.states});
        layer.D = held("D", given.attr("D"), {padded(layer.inner)});
        const nb::object epsilon = given.attr("selection_epsilon");
        layer.selection_epsilon = epsilon.is_none() ? -1.0f : nb::cast<float>(epsilon);
        return layer;
    }

    DecodeLayer mamba2(nb::handle given) {
        DecodeLayer layer;
        layer.kind = MixerKind::mamba2;
        layer.inner = nb::cast<int64_t>(given.attr("inner")), layer.states = nb::cast<int64_t>(given.attr("states"));
        layer.heads = nb::cast<int64_t>(given.attr("heads")), layer.groups = nb::cast<int64_t>(given.attr("groups"));
        if (layer.heads < 1 || layer.groups < 1 || layer.inner % layer.heads || layer.heads % layer.groups)
            throw std::invalid_argument("heads divide the inner channels, and groups the heads");
        layer.convolved = layer.inner + 2 * layer.groups * layer.states;
        shared(given, layer);
        const int64_t rows = padded(layer.inner) + padded(layer.convolved) + padded(layer.heads);
        layer.in_proj = matrix("in_proj", given.attr("in_proj"), rows, model.channels);
        layer.A = held("A", given.attr("A"), {padded(layer.heads)});
        layer.D = held("D", given.attr("D"), {padded(layer.heads)});
        layer.dt_bias = held("dt_bias", given.attr("dt_bias"), {padded(layer.heads)});
        layer.inner_norm = held("inner_norm", given.attr("inner_norm"), {layer.inner});
        layer.inner_epsilon = nb::cast<float>(given.attr("inner_epsilon"));
        return layer;
    }

    std::vector<Tensor> kept;
    std::vector<DecodeLayer> layers;
    DecodeModel model{};
    int64_t n_tokens = 0, state_size = 0;
};

}  // namespace

void bind_decode(nb::module_& module) {
    nb::class_<HeldModel>(module, "DecodeModel")
        .def(nb::init<nb::handle>(), "weights"_a)
        .def("step", &HeldModel::step, "token"_a, "state"_a, "state_after"_a, "logits"_a, "threads"_a);
}

}  // namespace clew
