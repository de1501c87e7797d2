// The geometry of convolutions: over an image, over a sequence, which is an image of one row, and of a linear layer, which has one pixel.
#ifndef CK_CONVOLUTION_H
#define CK_CONVOLUTION_H

#include <stddef.h>

/// The windows along an axis: window w reads w · stride + tap − padding for each tap of the kernel, and nothing outside of the extent.
typedef struct {
    ptrdiff_t extent, windows, kernel, stride, padding;
} ck_axis;

/// A convolution from [batch, rows, columns, inputs] to [batch, windows of rows, windows of columns, outputs].
typedef struct {
    ptrdiff_t batch, inputs, outputs;
    ck_axis rows, columns;
} ck_convolution;

#endif
