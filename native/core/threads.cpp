#include "core/threads.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

#include "core/memory.h"
#include "core/openmp.h"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace clew {
namespace {

// Denormal operands and results are zero as long as one of these lives.
class FlushDenormals {
public:
#if defined(__x86_64__)
    FlushDenormals() : before(_mm_getcsr()) { _mm_setcsr(before | 0x8040); }  // FTZ and DAZ
    ~FlushDenormals() { _mm_setcsr(before); }

private:
    unsigned before;
#elif defined(__aarch64__)
    FlushDenormals() {
        asm volatile("mrs %0, fpcr" : "=r"(before));
        asm volatile("msr fpcr, %0" ::"r"(before | (uint64_t{1} << 24)));  // FZ
    }
    ~FlushDenormals() { asm volatile("msr fpcr, %0" ::"r"(before)); }

private:
    uint64_t before;
#endif
};

// One call of run_tasks. Lives on the caller's stack.
struct Job {
    int64_t count;
    size_t scratch_bytes;
    Task task;
    const void* context;
    std::atomic<int64_t> next{0};
    std::atomic<bool> no_memory{false};

    void work() noexcept {
        try {
            Memory scratch(scratch_bytes);
            FlushDenormals flush;
            for (int64_t index; (index = next.fetch_add(1, std::memory_order_relaxed)) < count;)
                task(context, index, scratch.data);
        } catch (const std::bad_alloc&) {
            no_memory = true;  // the other threads do this one's share; with none left, run_tasks throws
        }
    }
};

class Pool {
public:
    // Returns false where another thread is using the pool.
    bool run(Job& job, int threads) {
        std::unique_lock<std::mutex> one_at_a_time(caller, std::try_to_lock);
        if (!one_at_a_time) return false;
        if (const ParallelRegion region = parallel_region()) {
            region([](void* shared) { static_cast<Job*>(shared)->work(); }, &job, static_cast<unsigned>(threads), 0);
            return true;
        }
        {
            std::lock_guard<std::mutex> lock(mutex);
            hire(threads - 1);
            current = &job;
            wanted = threads - 1;
            ++generation;
        }
        wake.notify_all();
        job.work();
        std::unique_lock<std::mutex> lock(mutex);
        current = nullptr;  // who has not come yet need not
        idle.wait(lock, [this] { return working == 0; });
        return true;
    }

private:
    void hire(int enough) {
        try {
            for (; workers < enough; ++workers) std::thread(&Pool::serve, this, workers).detach();
        } catch (const std::system_error&) {
            // No more threads to be had: those that there are do the work.
        }
    }

    void serve(int rank) {
#if defined(__linux__)
        pthread_setname_np(pthread_self(), "clew");
#endif
        uint64_t seen = 0;
        std::unique_lock<std::mutex> lock(mutex);
        for (;;) {
            wake.wait(lock, [&] { return generation != seen && current != nullptr && rank < wanted; });
            seen = generation;
            Job* job = current;
            ++working;
            lock.unlock();
            job->work();
            lock.lock();
            if (--working == 0) idle.notify_one();
        }
    }

    std::mutex caller, mutex;
    std::condition_variable wake, idle;
    Job* current = nullptr;
    uint64_t generation = 0;
    int workers = 0, wanted = 0, working = 0;
};

// Never destroyed: its workers wait in it when the process ends. A forked child has none of the workers, and
// perhaps a mutex that nobody will unlock, so it forgets its parent's.
std::atomic<Pool*> pool{nullptr};
thread_local bool inside = false;

Pool& the_pool() {
    Pool* known = pool.load(std::memory_order_acquire);
    if (known != nullptr) return *known;
    static std::once_flag registered;
#if defined(__unix__) || defined(__APPLE__)
    std::call_once(registered, [] { pthread_atfork(nullptr, nullptr, [] { pool.store(nullptr); }); });
#endif
    Pool* fresh = new Pool;
    if (pool.compare_exchange_strong(known, fresh, std::memory_order_acq_rel)) return *fresh;
    delete fresh;
    return *known;
}

}  // namespace

void run_tasks(int64_t count, int threads, size_t scratch_bytes, Task task, const void* context) {
    if (count <= 0) return;
    Job job{count, scratch_bytes, task, context};
    if (threads > count) threads = static_cast<int>(count);
    const bool nested = inside;
    inside = true;
    if (nested || threads <= 1 || !the_pool().run(job, threads)) job.work();
    inside = nested;
    if (job.no_memory && job.next.load() < count) throw std::bad_alloc();
}

void wait_for(const int64_t* counter, int64_t value) {
    constexpr int patience = 2000;  // some ten microseconds: after that, another program has the processor
    for (int looks = 0; __atomic_load_n(counter, __ATOMIC_ACQUIRE) < value; ++looks) {
        if (looks > patience) {
            std::this_thread::yield();
            continue;
        }
#if defined(__x86_64__)
        _mm_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
    }
}

}  // namespace clew
