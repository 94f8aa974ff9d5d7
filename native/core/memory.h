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

// Asks for pages of megabytes in this memory, wherever it has no pages yet, if it is large: to take a page from the
// system costs more than to fill it with numbers. Linux alone is asked.
void prefer_large_pages(void* data, size_t bytes);

}  // namespace clew
