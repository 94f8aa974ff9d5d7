#include "kernels/sums.h"

#include "core/threads.h"
#include "simd/numbers.h"

namespace clew::CLEW_ISA {
namespace {

constexpr int64_t columns_of_task = 256;

// Vectors along `inner`: each column is added up by itself.
template <class T>
void columns_task(const void* context, int64_t index, void*) {
    const auto& sums = *static_cast<const SumOver*>(context);
    const int64_t summed = sums.from.shape[1], inner = sums.from.shape[2];
    const int64_t blocks = (inner - 1) / columns_of_task + 1;
    const int64_t outer = index / blocks, first = index % blocks * columns_of_task;
    const int64_t end = first + columns_of_task < inner ? first + columns_of_task : inner;
    const T* from = static_cast<const T*>(sums.from.data) + outer * summed * inner;
    T* to = static_cast<T*>(sums.to.data) + outer * inner;
    for (int64_t at = first; at < end; at += width<T>) {
        Total<T> total;
        for (int64_t k = 0; k < summed; ++k) total.add(load_first(from + k * inner + at, end - at));
        store_first(to + at, total.result(), end - at);
    }
}

// Vectors along what is summed, where that is all there is.
template <class T>
void rows_task(const void* context, int64_t outer, void*) {
    const auto& sums = *static_cast<const SumOver*>(context);
    const int64_t summed = sums.from.shape[1];
    const T* from = static_cast<const T*>(sums.from.data) + outer * summed;
    Total<T> total;
    for (int64_t k = 0; k < summed; k += width<T>) total.add(load_first(from + k, summed - k));
    static_cast<T*>(sums.to.data)[outer] = sum<T>(total.result());
}

template <class T>
void run(const SumOver& sums) {
    const int64_t outer = sums.from.shape[0], inner = sums.from.shape[2];
    if (inner == 0) return;
    const int64_t blocks = (inner - 1) / columns_of_task + 1;
    if (inner == 1)
        run_tasks(outer, sums.threads, 0, rows_task<T>, &sums);
    else
        run_tasks(outer * blocks, sums.threads, 0, columns_task<T>, &sums);
}

}  // namespace

void sum_over(const SumOver& sums) {
    if (sums.from.type == Type::float32)
        run<float>(sums);
    else
        run<double>(sums);
}

}  // namespace clew::CLEW_ISA
