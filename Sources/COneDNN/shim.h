#include <dnnl.h>

#if DNNL_VERSION_MAJOR == 2 && DNNL_VERSION_MINOR >= 6
#include "version2.h"
#elif DNNL_VERSION_MAJOR != 3
#error "expected oneDNN 3.x, or 2.6 or later of 2.x: install libdnnl-dev of Debian 12 or later, or of Ubuntu 22.04 or later"
#endif
