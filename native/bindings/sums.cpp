#include "kernels/sums.h"

#include "arguments.h"
#include "bindings.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace clew {

void bind_sums(nb::module_& module) {
    module.def(
        "sum_over",
        [](const Tensor& from, const Tensor& to, int threads) {
            const Array like = any_array("from", from, 3);
            const SumOver sums{
                packed("from", from, {like.shape[0], like.shape[1], like.shape[2]}, {Type::float32, Type::float64}),
                written(packed("to", to, {like.shape[0], like.shape[2]}, {like.type})),
                threads,
            };
            nb::gil_scoped_release release;
            sum_over(sums);
        },
        "from"_a, "to"_a, "threads"_a);
}

}  // namespace clew
