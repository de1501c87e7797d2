// Fused kernels on arrays of numbers, float32 where nothing else is said, one file a family. Sequences are [batch, time, channel] in row-major order.
//
// Each function splits its work into `threads` parts, which the threads of a team do, takes its code for the level of vector instructions in use, and
// allocates nothing. Its result depends on the number of parts but not on how many threads did them.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "scratch.h"

/// How numbers lie in memory; a bf16 number is the upper half of a float32.
typedef enum { ck_float32, ck_bfloat16, ck_int8 } ck_format;

// MARK: Levels of vector instructions (levels.c)

/// What a processor may offer: x86-64 with SSE2 (or another architecture), x86-64-v3, x86-64-v4, and x86-64-v4 with bf16 products.
typedef enum { ck_baseline, ck_avx2, ck_avx512, ck_avx512_bf16 } ck_level;

/// The highest level of this processor.
ck_level ck_processor_level(void);
/// Whether the processor multiplies more pairs of bfloat16 than float32 numbers in a time, if it multiplies them at all. Processors of Intel take two cycles for an
/// instruction of pairs (VDPBF16PS, 512 bits) and do two float32 ones (VFMADD) in each.
int ck_multiplies_bfloat16_faster(void);
/// The highest level that kernels may use from now on. Kernels that run meanwhile keep theirs.
void ck_cap_level(ck_level level);
/// The same for the calls of the calling thread alone, so that tests can compare levels.
void ck_cap_level_of_thread(ck_level level);
/// The level of a kernel that the calling thread starts: the processor's, or the lower of the caps.
ck_level ck_current_level(void);

// MARK: Threads (team.c)

/// A thread that leads, and others that help it with its work.
typedef struct ck_team ck_team;

/// The most threads of a team.
enum { ck_most_threads = 64 };

/// Whether the leader of a team works alone: for a while when a member has no processor, or never, or always.
typedef enum { ck_together_or_alone, ck_together, ck_alone } ck_team_mode;

/// What counts when a member has no processor. For latency, the leader works alone for a while: one that waited for a member would be late. For throughput,
/// all go on together, but sleep soon when they wait: each thread's share of the processors is used.
typedef enum { ck_latency, ck_throughput } ck_team_goal;

/// What a team has done: regions that it shared, those that the leader did alone, and how often a member had no processor.
typedef struct {
    long shared_regions, lone_regions, losses;
} ck_team_counts;

/// Makes a team of a leader, which is yet to come, and the members that it starts.
/// - Returns: the team, which has fewer threads than asked for if the system grants no more; null if there is no memory.
ck_team *ck_make_team(int threads);
/// Makes the calling thread the leader of a team that has none, and of no other; of no team at all if it is null.
/// - Returns: the team that it led before, or null.
ck_team *ck_lead_team(ck_team *team);
/// The team that the calling thread leads, or null.
ck_team *ck_current_team(void);
/// Ends a team that nobody leads.
void ck_disband_team(ck_team *team);
int ck_team_size(const ck_team *team);
/// Whether oneDNN's parallel regions are done by teams of this file: whether the program, and no library in it, defines the names that oneDNN takes from
/// an OpenMP runtime (openmp.c).
int ck_serves_openmp(void);
/// Says that the parallel regions to come are those of a primitive, of which `meets_inside` keeps whether its threads wait for each other: 0 at first.
/// Null says that they are of none.
void ck_begin_primitive(int *meets_inside);
void ck_set_team_mode(ck_team *team, ck_team_mode mode);
void ck_set_team_goal(ck_team *team, ck_team_goal goal);
ck_team_counts ck_count_team(const ck_team *team);

/// What a thread does for a kernel: one of `parts` parts of the work.
typedef void (*ck_body)(void *context, int part, int parts);

/// Runs body(context, part, parts) for each part, on the threads of the team that the calling thread leads; one after another if it leads none
/// or does a part already.
void ck_parallel(ck_body body, void *context, int parts);

/// A part of a computation that a team does together, with what it works on.
typedef struct {
    ck_body body;
    void *context;
    /// Whether one thread does it alone, as if it were the whole team.
    int is_serial;
    /// Whether it begins only when all threads are done with the calls before it.
    int waits;
} ck_call;

/// Runs calls one after another, all parts of each, without ending the region between them (calls.c).
void ck_run_calls(const ck_call *calls, ptrdiff_t count, int parts);
/// Below this many elements a kernel keeps to one thread: waking another costs more than it saves.
enum { ck_serial_count = 8192 };

// MARK: Elementwise (elementwise.c)

typedef enum { ck_add, ck_subtract, ck_multiply } ck_binary;

/// What an elementwise kernel works on.
typedef struct {
    const void *a, *b;
    void *out;
    ptrdiff_t count;
    /// The factor of a scale; the bounds of a clamp.
    float first, second;
    /// Float32 unless a kernel takes others too.
    ck_format a_format, b_format, out_format;
} ck_elementwise;

/// out = a + b, each float32 or bf16.
void ck_sum_of_two(const ck_elementwise *e, int threads);
/// out = a (op) b, all of `count` elements.
void ck_binary_same(ck_binary operation, const float *a, const float *b, float *out, ptrdiff_t count, int threads);
/// out = a (op) b with broadcasting: over four axes of the given extents, each operand with its own strides (0 where it repeats).
void ck_binary_strided(
    ck_binary operation, const float *a, const float *b, float *out, const ptrdiff_t extents[4], const ptrdiff_t a_strides[4],
    const ptrdiff_t b_strides[4], int threads);
void ck_scale(const float *x, float factor, float *out, ptrdiff_t count, int threads);
void ck_clamp(const float *x, float lower, float upper, float *out, ptrdiff_t count, int threads);
void ck_mish(const float *x, float *out, ptrdiff_t count, int threads);
void ck_mish_gradient(const float *x, const float *dy, float *dx, ptrdiff_t count, int threads);

// MARK: Sums and copies (reductions.c)

/// out[c] = Σ over rows of x[row, c], float32 or bf16; `scratch` holds threads · columns floats.
void ck_sum_rows(
    const void *x, ck_format format, float *out, ptrdiff_t rows, ptrdiff_t columns, float *scratch, int threads);
/// out += x, where out has stride 0 along the axes that are summed.
void ck_sum_strided(const float *x, float *out, const ptrdiff_t extents[4], const ptrdiff_t out_strides[4], ptrdiff_t out_count);
/// Copies `rows` rows of `length` bytes between arrays whose rows begin at the given strides, in bytes.
void ck_copy_rows(
    const void *x, ptrdiff_t x_stride, void *out, ptrdiff_t out_stride, ptrdiff_t rows, ptrdiff_t length, int threads);
void ck_fill(float *out, float value, ptrdiff_t count);

// MARK: Casts (casts.c); a bf16 number is the upper half of a float

/// Rounds to the nearest bf16 number, of two equally near ones to the even one.
void ck_round_to_bf16(const float *x, uint16_t *out, ptrdiff_t count, int threads);
void ck_widen_bf16(const uint16_t *x, float *out, ptrdiff_t count, int threads);

// MARK: Gradients of weights (weight_gradient.c)

#include "convolution.h"

/// Whether the level in use has the instructions for ck_convolution_weight_gradient.
int ck_has_weight_gradient(ck_format format);
/// The bytes that ck_convolution_weight_gradient works on.
ptrdiff_t ck_weight_gradient_scratch(const ck_convolution *shape, ck_format format, int threads);
/// The gradients of the weight [outputs, inputs, kernel of rows, kernel of columns] and, if db is not null, of the bias [outputs], from x and the
/// output's gradient dy, both of them in the format.
void ck_convolution_weight_gradient(
    const ck_convolution *shape, ck_format format, const void *x, const void *dy, float *dw, float *db, void *scratch, int threads);

// MARK: Group normalisation, Mish, FiLM and residual in one pass (group_norm.c)

typedef struct {
    ptrdiff_t batch, time, channels, groups;
    float epsilon;
    /// Whether Mish follows the normalisation.
    int mish;
    /// That of x, residual and out, and of dy and dx in the backward pass: float32 or bf16. All else is float32, and so are the sums.
    ck_format format;
    const void *x;
    const float *gain, *bias;
    /// FiLM's scale and bias of a batch item begin at scale + item · film_stride; null without FiLM, scale alone null for bias only.
    const float *film_scale, *film_bias;
    ptrdiff_t film_stride;
    /// Added at the end; null without.
    const void *residual;
    void *out;
    /// Channels of an item that one thread takes, in whole groups; 0 for all.
    ptrdiff_t granule;
} ck_group_norm;

/// The call that computes it, for the level of vector instructions in use; `norm` must stay where it is. Threads share the granules.
ck_call ck_group_norm_call(ck_group_norm *norm);
/// The same at once; the granule is chosen for the threads.
void ck_group_norm_forward(const ck_group_norm *norm, int threads);

typedef struct {
    /// As in the forward pass, but without residual and out.
    ck_group_norm norm;
    const void *dy;
    void *dx;
    /// [channels]; null if not wanted.
    float *d_gain, *d_bias;
    /// Rows of `film_stride`; null if not wanted.
    float *d_film_scale, *d_film_bias;
    ptrdiff_t film_stride;
    /// `ck_group_norm_scratch` floats.
    float *scratch;
} ck_group_norm_gradient;

/// The floats that the backward pass needs beside its results.
ptrdiff_t ck_group_norm_scratch(const ck_group_norm *norm, int threads);
void ck_group_norm_backward(const ck_group_norm_gradient *gradient, int threads);

// MARK: FiLM alone (film.c)

typedef struct {
    ptrdiff_t batch, time, channels;
    /// That of x, dy and out: float32 or bf16.
    ck_format format;
    const void *x;
    /// Those of a batch item begin at scale + item · film_stride.
    const float *scale, *bias;
    ptrdiff_t film_stride;
    /// scale · x + bias; in the backward pass the gradient of x.
    void *out;
    /// The gradient of the result, and those of scale and bias [batch, channels], for the backward pass alone.
    const void *dy;
    float *d_scale, *d_bias;
} ck_modulation;

void ck_film(const ck_modulation *modulation, int threads);
void ck_film_gradient(const ck_modulation *modulation, int threads);

// MARK: Embeddings and losses (losses.c)

void ck_sinusoidal_embedding(const float *steps, float *out, ptrdiff_t batch, ptrdiff_t dimension);
/// Rows of the table at the indices; an index outside is moved to the nearest row.
void ck_look_up(const float *table, ptrdiff_t rows, const float *indices, float *out, ptrdiff_t batch, ptrdiff_t columns);
void ck_mean_squared_error(const float *prediction, const float *target, float *out, ptrdiff_t count);
void ck_mean_squared_error_gradient(
    const float *prediction, const float *target, const float *scale, float *out, ptrdiff_t count, int threads);

// MARK: Training (optimiser.c)

/// The numbers of one AdamW update and of the moving average after it.
typedef struct {
    float decay_factor;     // 1 − learning rate · weight decay
    float beta1, beta2;
    float one_minus_beta1, one_minus_beta2;  // rounded once, from double: 1 − 0.999f has lost five digits
    float step_size;        // learning rate / (1 − beta1^t)
    float inverse_root_correction;  // 1 / √(1 − beta2^t)
    float epsilon;
    float gradient_scale;
    float average_decay, one_minus_average_decay;
} ck_adamw;

void ck_adamw_update(
    const ck_adamw *update, float *parameters, const float *gradients, float *first_moment, float *second_moment,
    float *average, ptrdiff_t count, int threads);
double ck_sum_of_squares(const float *x, ptrdiff_t count, int threads);
/// total += factor · x.
void ck_accumulate(const float *x, float factor, float *total, ptrdiff_t count, int threads);

// MARK: Products with few rows (few_rows.c, panels.c)

#include "few_rows.h"
#include "many_rows.h"
#include "winograd.h"

// MARK: Images (image_norm.c, max_pool.c, spatial_softmax.c, pixels.c)

#include "images.h"

// MARK: Transformers (gelu.c, dropout.c, layer_norm.c, attention.c)

#include "transformer.h"

#endif
