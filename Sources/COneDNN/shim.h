#pragma once

#include <dnnl.h>
#include <string.h>

// Whether the name of a primitive's implementation begins so.
static inline int onednn_is_implemented_by(const_dnnl_primitive_desc_t primitive, const char *beginning) {
    const char *name = "";
    dnnl_primitive_desc_query(primitive, dnnl_query_impl_info_str, 0, &name);
    return strncmp(name, beginning, strlen(beginning)) == 0;
}

#if DNNL_VERSION_MAJOR == 2 && DNNL_VERSION_MINOR >= 6
#include "version2.h"
#elif DNNL_VERSION_MAJOR == 3
// Goes on to the first implementation whose name does not begin so. Version 2 needs the primitive of the way forward for this.
static inline dnnl_status_t onednn_avoid(
    dnnl_primitive_desc_t *primitive, const_dnnl_primitive_desc_t forward, const char *beginning) {
    dnnl_status_t status = dnnl_success;
    while (status == dnnl_success && onednn_is_implemented_by(*primitive, beginning)) {
        status = dnnl_primitive_desc_next_impl(*primitive);
    }
    return status;
}
#else
#error "expected oneDNN 3.x, or 2.6 or later of 2.x: install libdnnl-dev of Debian 12 or later, or of Ubuntu 22.04 or later"
#endif
