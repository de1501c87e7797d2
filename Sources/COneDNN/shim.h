#include <dnnl.h>

#if DNNL_VERSION_MAJOR != 2
#error "expected oneDNN 2.x, whose way of making primitives Sources/CPUBackend/OneDNN.swift uses; 3.x changed it"
#endif
