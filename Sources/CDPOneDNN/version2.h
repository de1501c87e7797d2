// The functions of oneDNN 3 that oneDNN 2 lacks, implemented with those of oneDNN 2, so that Swift has one
// interface.
#pragma once

#include <dnnl.h>
#include <stdlib.h>

// The memory layout of a tensor. In version 2 this is a plain structure; here it is on the heap, as in version 3.
typedef const dnnl_memory_desc_t *const_dnnl_memory_desc_t;

static inline dnnl_status_t dnnl_memory_desc_clone(
    const_dnnl_memory_desc_t *copy, const_dnnl_memory_desc_t original) {
    dnnl_memory_desc_t *made = malloc(sizeof *made);
    if (made == NULL) return dnnl_out_of_memory;
    *made = *original;
    *copy = made;
    return dnnl_success;
}

static inline dnnl_status_t dnnl_memory_desc_destroy(const_dnnl_memory_desc_t layout) {
    free((void *)layout);
    return dnnl_success;
}

static inline dnnl_status_t dnnl_memory_desc_create_with_strides(
    const_dnnl_memory_desc_t *layout, int axes, const int64_t *dimensions, dnnl_data_type_t type,
    const int64_t *strides) {
    dnnl_memory_desc_t made;
    dnnl_status_t status = dnnl_memory_desc_init_by_strides(&made, axes, dimensions, type, strides);
    return status == dnnl_success ? dnnl_memory_desc_clone(layout, &made) : status;
}

static inline dnnl_status_t dnnl_memory_desc_create_with_tag(
    const_dnnl_memory_desc_t *layout, int axes, const int64_t *dimensions, dnnl_data_type_t type,
    dnnl_format_tag_t tag) {
    dnnl_memory_desc_t made;
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&made, axes, dimensions, type, tag);
    return status == dnnl_success ? dnnl_memory_desc_clone(layout, &made) : status;
}

static inline dnnl_status_t dnnl_inner_product_forward_primitive_desc_create(
    dnnl_primitive_desc_t *made, dnnl_engine_t engine, dnnl_prop_kind_t purpose, const_dnnl_memory_desc_t source,
    const_dnnl_memory_desc_t weights, const_dnnl_memory_desc_t bias, const_dnnl_memory_desc_t destination,
    const_dnnl_primitive_attr_t attributes) {
    dnnl_inner_product_desc_t operation;
    dnnl_status_t status =
        dnnl_inner_product_forward_desc_init(&operation, purpose, source, weights, bias, destination);
    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(made, &operation, attributes, engine, NULL);
}

static inline dnnl_status_t dnnl_inner_product_backward_data_primitive_desc_create(
    dnnl_primitive_desc_t *made, dnnl_engine_t engine, const_dnnl_memory_desc_t source,
    const_dnnl_memory_desc_t weights, const_dnnl_memory_desc_t destination, const_dnnl_primitive_desc_t forward,
    const_dnnl_primitive_attr_t attributes) {
    dnnl_inner_product_desc_t operation;
    dnnl_status_t status = dnnl_inner_product_backward_data_desc_init(&operation, source, weights, destination);
    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(made, &operation, attributes, engine, forward);
}

static inline dnnl_status_t dnnl_inner_product_backward_weights_primitive_desc_create(
    dnnl_primitive_desc_t *made, dnnl_engine_t engine, const_dnnl_memory_desc_t source,
    const_dnnl_memory_desc_t weights, const_dnnl_memory_desc_t bias, const_dnnl_memory_desc_t destination,
    const_dnnl_primitive_desc_t forward, const_dnnl_primitive_attr_t attributes) {
    dnnl_inner_product_desc_t operation;
    dnnl_status_t status =
        dnnl_inner_product_backward_weights_desc_init(&operation, source, weights, bias, destination);
    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(made, &operation, attributes, engine, forward);
}

static inline dnnl_status_t dnnl_convolution_forward_primitive_desc_create(
    dnnl_primitive_desc_t *made, dnnl_engine_t engine, dnnl_prop_kind_t purpose, dnnl_alg_kind_t algorithm,
    const_dnnl_memory_desc_t source, const_dnnl_memory_desc_t weights, const_dnnl_memory_desc_t bias,
    const_dnnl_memory_desc_t destination, const int64_t *strides, const int64_t *dilations, const int64_t *before,
    const int64_t *after, const_dnnl_primitive_attr_t attributes) {
    dnnl_convolution_desc_t operation;
    dnnl_status_t status = dnnl_dilated_convolution_forward_desc_init(
        &operation, purpose, algorithm, source, weights, bias, destination, strides, dilations, before, after);
    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(made, &operation, attributes, engine, NULL);
}

static inline dnnl_status_t dnnl_convolution_backward_data_primitive_desc_create(
    dnnl_primitive_desc_t *made, dnnl_engine_t engine, dnnl_alg_kind_t algorithm, const_dnnl_memory_desc_t source,
    const_dnnl_memory_desc_t weights, const_dnnl_memory_desc_t destination, const int64_t *strides,
    const int64_t *dilations, const int64_t *before, const int64_t *after, const_dnnl_primitive_desc_t forward,
    const_dnnl_primitive_attr_t attributes) {
    dnnl_convolution_desc_t operation;
    dnnl_status_t status = dnnl_dilated_convolution_backward_data_desc_init(
        &operation, algorithm, source, weights, destination, strides, dilations, before, after);
    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(made, &operation, attributes, engine, forward);
}

static inline dnnl_status_t dnnl_convolution_backward_weights_primitive_desc_create(
    dnnl_primitive_desc_t *made, dnnl_engine_t engine, dnnl_alg_kind_t algorithm, const_dnnl_memory_desc_t source,
    const_dnnl_memory_desc_t weights, const_dnnl_memory_desc_t bias, const_dnnl_memory_desc_t destination,
    const int64_t *strides, const int64_t *dilations, const int64_t *before, const int64_t *after,
    const_dnnl_primitive_desc_t forward, const_dnnl_primitive_attr_t attributes) {
    dnnl_convolution_desc_t operation;
    dnnl_status_t status = dnnl_dilated_convolution_backward_weights_desc_init(
        &operation, algorithm, source, weights, bias, destination, strides, dilations, before, after);
    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(made, &operation, attributes, engine, forward);
}

// Advances to the first implementation whose name does not start with `beginning`.
static inline dnnl_status_t onednn_avoid(
    dnnl_primitive_desc_t *primitive, const_dnnl_primitive_desc_t forward, const char *beginning) {
    if (!onednn_is_implemented_by(*primitive, beginning)) return dnnl_success;
    const_dnnl_op_desc_t operation;
    const_dnnl_primitive_attr_t attributes;
    dnnl_engine_t engine;
    dnnl_status_t status = dnnl_primitive_desc_query(*primitive, dnnl_query_op_d, 0, &operation);
    if (status == dnnl_success) status = dnnl_primitive_desc_query(*primitive, dnnl_query_engine, 0, &engine);
    if (status == dnnl_success) status = dnnl_primitive_desc_get_attr(*primitive, &attributes);
    if (status != dnnl_success) return status;
    // The iterator starts at the implementation to avoid, and reads the operation that this implementation holds.
    dnnl_primitive_desc_iterator_t iterator;
    status = dnnl_primitive_desc_iterator_create(&iterator, operation, attributes, engine, forward);
    if (status != dnnl_success) return status;
    dnnl_primitive_desc_t next = NULL;
    while ((status = dnnl_primitive_desc_iterator_next(iterator)) == dnnl_success) {
        next = dnnl_primitive_desc_iterator_fetch(iterator);
        if (!onednn_is_implemented_by(next, beginning)) break;
        dnnl_primitive_desc_destroy(next);
    }
    dnnl_primitive_desc_iterator_destroy(iterator);
    if (status != dnnl_success) return status;
    dnnl_primitive_desc_destroy(*primitive);
    *primitive = next;
    return dnnl_success;
}
