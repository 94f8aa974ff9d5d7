#include "core/openmp.h"

#if defined(__linux__)
#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cstdio>

namespace clew {
namespace {

// Whether this process was forked and has run no other program since: PF_FORKNOEXEC of the kernel's flags, the
// ninth field of /proc/self/stat. The second field, a name in brackets, may hold anything; where nothing can
// be read, say yes.
bool was_forked() {
    std::FILE* file = std::fopen("/proc/self/stat", "r");
    if (file == nullptr) return true;
    char line[1024];
    const size_t length = std::fread(line, 1, sizeof line - 1, file);
    std::fclose(file);
    line[length] = '\0';
    const char* rest = nullptr;
    for (const char* c = line; *c != '\0'; ++c)
        if (*c == ')') rest = c + 1;
    unsigned flags;
    return rest == nullptr || std::sscanf(rest, " %*c %*d %*d %*d %*d %*d %u", &flags) != 1 || (flags & 0x40) != 0;
}

std::atomic<bool> forked{false};

ParallelRegion find() {
    pthread_atfork(nullptr, nullptr, [] { forked = true; });
    if (was_forked()) return nullptr;
    return reinterpret_cast<ParallelRegion>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
}

}  // namespace

ParallelRegion parallel_region() {
    static const ParallelRegion found = find();
    return forked ? nullptr : found;
}

}  // namespace clew

#else

namespace clew {

ParallelRegion parallel_region() { return nullptr; }

}  // namespace clew

#endif
