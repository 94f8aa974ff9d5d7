#include "core/memory.h"

#include <cstdlib>
#include <new>

namespace clew {

Memory::Memory(size_t bytes) {
    if (bytes == 0) return;
    data = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (data == nullptr) throw std::bad_alloc();
}

Memory::~Memory() { std::free(data); }

}  // namespace clew
