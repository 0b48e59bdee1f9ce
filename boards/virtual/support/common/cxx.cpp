// What C++ classes with virtual functions need where no libstdc++ is installed. Weak: a real one wins.
#include <stddef.h>
#include <stdlib.h>

#include <mw_board.h>

extern "C" {
__attribute__((weak)) void *__dso_handle = nullptr;
__attribute__((weak)) void __cxa_pure_virtual()
{
    mw_board_exit(134);
}
// Programs end through mw_board_exit(), so static destructors never run.
__attribute__((weak)) int __cxa_atexit(void (*)(void *), void *, void *)
{
    return 0;
}
}

static void *allocate(size_t size)
{
    void *const p = malloc(size ? size : 1);
    if (p == nullptr) {
        mw_board_exit(134); // no exceptions here: out of memory is the end
    }
    return p;
}

__attribute__((weak)) void *operator new(size_t size)
{
    return allocate(size);
}
__attribute__((weak)) void *operator new[](size_t size)
{
    return allocate(size);
}
__attribute__((weak)) void operator delete(void *p) noexcept
{
    free(p);
}
__attribute__((weak)) void operator delete[](void *p) noexcept
{
    free(p);
}
__attribute__((weak)) void operator delete(void *p, size_t) noexcept
{
    free(p);
}
__attribute__((weak)) void operator delete[](void *p, size_t) noexcept
{
    free(p);
}
