// Tasks on several threads.
#pragma once

#include <cstddef>
#include <cstdint>

namespace clew {

// One task: what to work on, which task it is, and memory that is its own while it runs (aligned to 64 bytes,
// with whatever the thread's last task left there).
using Task = void (*)(const void* context, int64_t index, void* scratch);

// Runs tasks 0 … count − 1, each once, and returns when all are done. The calling thread works too; a thread
// takes the next task when it is done with one, so that a busy neighbour delays one task and not half of them.
// Denormal numbers count as zero meanwhile: a state that decays would become a hundred times slower there.
//
// The threads are those of PyTorch's OpenMP where it has one (core/openmp.h): they look for work for some
// milliseconds after their last, and workers of our own would have to share the processors with them. Else we
// have workers, which are kept for the next call; a process that was forked makes its own. While another thread
// is in here, and inside a task, a call runs on the calling thread alone: there are never more threads than the
// largest number asked for.
void run_tasks(int64_t count, int threads, size_t scratch_bytes, Task task, const void* context);

// What a task may do before it needs what earlier tasks make: they are handed out in order, so the threads that have
// them are at work. Returns once *counter, which some thread counts up, is at least `value`; what was written before
// it was counted up is seen then.
void wait_for(const int64_t* counter, int64_t value);

}  // namespace clew
