// The stages in a row, and who works on which.
#include "kernels/decode.h"

#include "core/memory.h"
#include "kernels/decode_mamba.h"
#include "kernels/decode_mamba2.h"

namespace clew::CLEW_ISA {
namespace {

// A task reads about this much of a matrix: long enough to stream, short enough that nobody waits long.
constexpr int64_t task_bytes = 48 << 10;
constexpr int64_t bytes_ahead = 16 << 10;

// Numbers the stages as they come.
struct Plan {
    Stage* next;
    int64_t batch, tasks = 0;

    // A task has `each` strips of `strips`, `times` over.
    void add(Stage stage, int64_t strips, int64_t each, int64_t times = 1) {
        stage.each = each;
        stage.tasks = (strips + each - 1) / each * times;
        stage.first = tasks;
        stage.done = 0;
        tasks += stage.tasks;
        *next++ = stage;
    }
    void add_product(Stage stage) {
        const int64_t each = task_bytes / stage.matrix->bytes();
        add(stage, stage.matrix->count(), each < 1 ? 1 : each);
    }
    void add_layer(const DecodeLayer& layer, int64_t state, const DecodeNorm* after) {
        const auto stage = [&](auto work, auto finish, const PanelMatrix* matrix) {
            return Stage{work, finish, &layer, matrix, after, state, 0, 0, 0, 0};
        };
        void (*const none)(const Run&, const Stage&) = nullptr;
        if (layer.kind == MixerKind::mamba) {
            add_product(stage(mamba_project, none, &layer.in_proj));
            add(stage(mamba_select, mamba_selected, &layer.x_proj), layer.x_proj.count(), 1, pieces(layer));
            add(stage(mamba_scan, none, &layer.dt_proj), layer.dt_proj.count(), 4);
        } else {
            add_product(stage(mamba2_project, none, &layer.in_proj));
            add(stage(mamba2_scan, mamba2_norm, nullptr), strips<float>(layer.inner), 1);
        }
        add_product(stage(add_output, norm_next, &layer.out_proj));
    }
};

constexpr int64_t most_stages_of_layer = 4;

void answer(const Run& run, const Stage& stage, int64_t task) {
    const Array& logits = run.step.logits;
    each_strip(stage, task, stage.matrix->count(), [&](int64_t strip) {
        const int64_t token = strip * panel_rows;
        multiply(*stage.matrix, strip, run.normed.data, run.normed.stride, run.batch,
                 [&](int64_t row, const Strip& sum) {
                     CLEW_UNROLL for (int v = 0; v < panel_vectors; ++v) {
                         const int64_t place = token + v * width<float>;
                         store_first(logits.at<float>(row, 0) + place, sum.part[v], logits.shape[1] - place);
                     }
                 });
    });
}

// The stage that a task belongs to.
CLEW_INLINE Stage& stage_of(const Run& run, int64_t task) {
    int64_t low = 0, high = run.count;
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        (run.stages[middle].first <= task ? low : high) = middle;
    }
    return run.stages[low];
}

// Asks for the task's first weights, as long as the stage before is not finished.
CLEW_INLINE void fetch_ahead(const Run& run, const Stage& stage, int64_t task, int64_t before) {
    if (stage.matrix == nullptr || stage.work == mamba_select) return;
    const char* from = stage.matrix->panel(task * stage.each);
    const int64_t all = stage.matrix->bytes(), bytes = all < bytes_ahead ? all : bytes_ahead;
    for (int64_t i = 0; i < bytes && __atomic_load_n(run.finished, __ATOMIC_RELAXED) < before; i += 64)
        __builtin_prefetch(from + i, 0, 2);
}

void work(const void* context, int64_t index, void*) {
    const Run& run = *static_cast<const Run*>(context);
    Stage& stage = stage_of(run, index);
    const int64_t before = &stage - run.stages;
    fetch_ahead(run, stage, index - stage.first, before);
    wait_for(run.finished, before);
    stage.work(run, stage, index - stage.first);
    if (__atomic_add_fetch(&stage.done, 1, __ATOMIC_ACQ_REL) == stage.tasks) {
        if (stage.finish != nullptr) stage.finish(run, stage);
        __atomic_store_n(run.finished, before + 1, __ATOMIC_RELEASE);
    }
}

}  // namespace

void decode_step(const DecodeStep& step) {
    const DecodeModel& model = *step.model;
    Room<float> size{nullptr};
    const Run sized(step, size);
    const int64_t stages = most_stages_of_layer * model.depth + 1;
    const size_t bytes = size.used * sizeof(float);
    const Memory memory(bytes + stages * sizeof(Stage) + sizeof(int64_t));
    Room<float> room{static_cast<float*>(memory.data)};
    Run run(step, room);
    for (int64_t i = 0; i < size.used; ++i) room.memory[i] = 0;
    run.stages = reinterpret_cast<Stage*>(static_cast<char*>(memory.data) + bytes);
    run.finished = reinterpret_cast<int64_t*>(run.stages + stages);
    *run.finished = 0;

    Plan plan{run.stages, run.batch};
    int64_t state = 0;
    for (int64_t l = 0; l < model.depth; ++l) {
        const DecodeLayer& layer = model.layers[l];
        plan.add_layer(layer, state, l + 1 < model.depth ? &model.layers[l + 1].norm : &model.norm);
        state += layer.state_size();
    }
    plan.add_product({answer, nullptr, nullptr, &model.head, nullptr, 0, 0, 0, 0, 0});
    run.count = plan.next - run.stages;
    for (int64_t row = 0; row < run.batch; ++row) {
        read_row(model.embedding, *step.tokens.at<int64_t>(row), run.x.at(row), model.channels);
        apply(model.depth > 0 ? model.layers[0].norm : model.norm, run.x.at(row), run.normed.at(row), model.channels);
    }
    run_tasks(plan.tasks, step.threads, 0, work, &run);
}

}  // namespace clew::CLEW_ISA
