#pragma once

#include <dnnl.h>
#include <string.h>

// Returns whether the name of the implementation of a primitive starts with `beginning`.
static inline int onednn_is_implemented_by(const_dnnl_primitive_desc_t primitive, const char *beginning) {
    const char *name = "";
    dnnl_primitive_desc_query(primitive, dnnl_query_impl_info_str, 0, &name);
    return strncmp(name, beginning, strlen(beginning)) == 0;
}

#if DNNL_VERSION_MAJOR == 2 && DNNL_VERSION_MINOR >= 6
#include "version2.h"
#elif DNNL_VERSION_MAJOR == 3
// Advances to the first implementation whose name does not start with `beginning`. Only version 2 needs the forward
// primitive for this.
static inline dnnl_status_t onednn_avoid(
    dnnl_primitive_desc_t *primitive, const_dnnl_primitive_desc_t forward, const char *beginning) {
    dnnl_status_t status = dnnl_success;
    while (status == dnnl_success && onednn_is_implemented_by(*primitive, beginning)) {
        status = dnnl_primitive_desc_next_impl(*primitive);
    }
    return status;
}
#else
#error "expected oneDNN 3.x, or 2.x from 2.6 on: install libdnnl-dev from Debian 12 or Ubuntu 22.04, or later"
#endif
