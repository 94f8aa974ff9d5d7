// Memory for a call.
#pragma once

#include <cstddef>

namespace clew {

// Aligned to 64 bytes, uninitialised; throws std::bad_alloc.
class Memory {
public:
    explicit Memory(size_t bytes);
    ~Memory();
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    void* data = nullptr;
};

}  // namespace clew
