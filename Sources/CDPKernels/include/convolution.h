// Geometry of convolutions over an image; a sequence is an image of one row, and a linear layer has one pixel.
#ifndef CK_CONVOLUTION_H
#define CK_CONVOLUTION_H

#include <stddef.h>

/// Windows along an axis: window w reads w · stride + tap − padding for each tap of the kernel, and nothing outside
/// the extent.
typedef struct {
    ptrdiff_t extent, windows, kernel, stride, padding;
} ck_axis;

/// Convolution from [batch, rows, columns, inputs] to [batch, windows of rows, windows of columns, outputs].
typedef struct {
    ptrdiff_t batch, inputs, outputs;
    ck_axis rows, columns;
} ck_convolution;

#endif
