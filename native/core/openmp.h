// The threads of the OpenMP runtime that this process has loaded already, which for us is PyTorch's.
#pragma once

namespace clew {

// Runs body(data) on so many threads, the calling one among them, and returns when all are done; fewer where
// no more are to be had. It is libgomp's entry for a parallel region, which the OpenMP of LLVM has as well.
using ParallelRegion = void (*)(void (*body)(void*), void* data, unsigned threads, unsigned flags);

// Null where there is no such runtime, or its threads are not to be used: a process that was forked has none of
// its parent's threads, and libgomp would wait for them for ever.
ParallelRegion parallel_region();

}  // namespace clew
