// Fused kernels on arrays of numbers, one file per family. Numbers are float32 unless stated otherwise; sequences
// are [batch, time, channel] in row-major order.
//
// Kernels with a parameter `threads` split their work into that many parts, which the threads of a team execute.
// Kernels allocate nothing, except scratch memory for unusually wide networks (scratch.h), and use the code for the
// current level of vector instructions. A result depends on the number of parts but not on the number of threads that
// execute them.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "scratch.h"

/// Storage format of numbers; a bf16 number is the upper half of a float32.
typedef enum { ck_float32, ck_bfloat16, ck_int8 } ck_format;

// MARK: Levels of vector instructions (levels.c)

/// Vector instructions of a processor: x86-64 with SSE2 (or another architecture), x86-64-v3, x86-64-v4, and
/// x86-64-v4 with bf16 products.
typedef enum { ck_baseline, ck_avx2, ck_avx512, ck_avx512_bf16 } ck_level;

/// Returns the highest level that this processor supports.
ck_level ck_processor_level(void);
/// Returns whether the processor multiplies bfloat16 pairs faster than float32 numbers, provided that it multiplies
/// pairs at all. Intel processors take two cycles for a pair instruction (VDPBF16PS, 512 bits) and execute two
/// float32 instructions (VFMADD) in each cycle.
int ck_multiplies_bfloat16_faster(void);
/// Sets the highest level that kernels may use from now on. Kernels that are running keep theirs.
void ck_cap_level(ck_level level);
/// Sets the same cap for calls of the calling thread only, so that tests can compare levels.
void ck_cap_level_of_thread(ck_level level);
/// Returns the level of a kernel that the calling thread starts: the lowest of the processor's level and both caps.
ck_level ck_current_level(void);

// MARK: Threads (team.c)

/// A leader thread and the member threads that help it.
typedef struct ck_team ck_team;

/// Maximum number of threads in a team.
enum { ck_max_threads = 64 };

/// Whether the leader of a team works alone: for a while when a member has no processor, never, or always.
typedef enum { ck_together_or_alone, ck_together, ck_alone } ck_team_mode;

/// Goal of a team when a member has no processor. For latency, the leader works alone for a while, because waiting
/// for the member would delay the result. For throughput, all threads continue together but sleep soon when they wait,
/// so that the processor time of each thread is used.
typedef enum { ck_latency, ck_throughput } ck_team_goal;

/// Statistics of a team: regions shared with members, regions that the leader executed alone, and how often a
/// member had no processor.
typedef struct {
    long shared_regions, solo_regions, absences;
} ck_team_counts;

/// Creates a team without a leader and starts its members.
/// - Returns: the team, with fewer threads than requested if the system grants no more; null if there is no memory.
ck_team *ck_make_team(int threads);
/// Makes the calling thread the leader of a team that has no leader; null makes it lead none. A thread leads one
/// team at most.
/// - Returns: the team that it led before, or null.
ck_team *ck_lead_team(ck_team *team);
/// Returns the team that the calling thread leads, or null.
ck_team *ck_current_team(void);
/// Ends the members of a team that has no leader, and frees it.
void ck_disband_team(ck_team *team);
/// Returns the number of threads, including the leader.
int ck_team_size(const ck_team *team);
/// Returns whether teams of this module execute oneDNN's parallel regions, that is, whether the program, and no
/// library in it, defines the names that oneDNN uses from an OpenMP runtime (openmp.c).
int ck_serves_openmp(void);
/// Declares that the following parallel regions belong to a primitive. `has_barriers` stores whether its threads
/// wait for each other; it is 0 at first. Null declares that they belong to no primitive.
void ck_begin_primitive(int *has_barriers);
void ck_set_team_mode(ck_team *team, ck_team_mode mode);
void ck_set_team_goal(ck_team *team, ck_team_goal goal);
ck_team_counts ck_count_team(const ck_team *team);

/// Executes one of `parts` parts of a kernel's work.
typedef void (*ck_body)(void *context, int part, int parts);

/// Runs body(context, part, parts) for each part on the threads of the team that the calling thread leads. Runs the
/// parts one after another if it leads none or is already executing a part.
void ck_parallel(ck_body body, void *context, int parts);

/// One step of a computation that a team executes together, and its operands.
typedef struct {
    ck_body body;
    void *context;
    /// Whether one thread executes it alone, as the only part.
    int is_serial;
    /// Whether it starts only after all threads have finished the calls before it.
    int waits;
} ck_call;

/// Runs calls [count] in order, all parts of each, in a single region (calls.c).
void ck_run_calls(const ck_call *calls, ptrdiff_t count, int parts);
/// Below this number of elements a kernel uses one thread: waking another costs more than it saves.
enum { ck_serial_count = 8192 };

// MARK: Elementwise (elementwise.c)

typedef enum { ck_add, ck_subtract, ck_multiply } ck_binary;

/// Operands of an elementwise kernel, [count] each.
typedef struct {
    const void *a, *b;
    void *out;
    ptrdiff_t count;
    /// The factor of a scale, or the bounds of a clamp.
    float first, second;
    /// Float32 unless a kernel supports other formats.
    ck_format a_format, b_format, out_format;
} ck_elementwise;

/// out = a + b, [count] each, float32 or bf16.
void ck_sum_of_two(const ck_elementwise *e, int threads);
/// out = a (op) b, [count] each.
void ck_binary_same(ck_binary operation, const float *a, const float *b, float *out, ptrdiff_t count, int threads);
/// out = a (op) b with broadcasting. out is contiguous [extents]; a and b have their own strides along the four
/// axes (0 where they repeat).
void ck_binary_strided(
    ck_binary operation, const float *a, const float *b, float *out, const ptrdiff_t extents[4], const ptrdiff_t a_strides[4],
    const ptrdiff_t b_strides[4], int threads);
/// out = factor · x, [count] each.
void ck_scale(const float *x, float factor, float *out, ptrdiff_t count, int threads);
/// out = x limited to [lower, upper], [count] each; NaN stays NaN.
void ck_clamp(const float *x, float lower, float upper, float *out, ptrdiff_t count, int threads);
/// out = mish(x), [count] each.
void ck_mish(const float *x, float *out, ptrdiff_t count, int threads);
/// dx = dy · mish′(x), [count] each.
void ck_mish_gradient(const float *x, const float *dy, float *dx, ptrdiff_t count, int threads);

// MARK: Sums and copies (reductions.c)

/// out[c] = Σ over rows of x[row, c], with x [rows, columns] in float32 or bf16, out [columns] and scratch
/// [threads, columns].
void ck_sum_rows(
    const void *x, ck_format format, float *out, ptrdiff_t rows, ptrdiff_t columns, float *scratch, int threads);
/// Sets out [out_count] to 0, then adds x, contiguous [extents]; out has stride 0 along the axes that are summed.
void ck_sum_strided(const float *x, float *out, const ptrdiff_t extents[4], const ptrdiff_t out_strides[4], ptrdiff_t out_count);
/// Copies x [rows, length] to out [rows, length], in bytes; rows start `x_stride` and `out_stride` bytes apart.
void ck_copy_rows(
    const void *x, ptrdiff_t x_stride, void *out, ptrdiff_t out_stride, ptrdiff_t rows, ptrdiff_t length, int threads);
/// Sets out [count] to a value.
void ck_fill(float *out, float value, ptrdiff_t count);

// MARK: Casts (casts.c)

/// Rounds x [count] to the nearest bf16 numbers out [count], ties to even.
void ck_round_to_bf16(const float *x, uint16_t *out, ptrdiff_t count, int threads);
/// Widens bf16 x [count] to float32 out [count].
void ck_widen_bf16(const uint16_t *x, float *out, ptrdiff_t count, int threads);

// MARK: Weight gradients (weight_gradient.c)

#include "convolution.h"

/// Returns whether the current level has the instructions for ck_convolution_weight_gradient.
int ck_has_weight_gradient(ck_format format);
/// Returns the number of bytes of scratch memory that ck_convolution_weight_gradient needs.
ptrdiff_t ck_weight_gradient_scratch(const ck_convolution *shape, ck_format format, int threads);
/// Computes the gradient of the weight, dw [outputs, inputs, kernel rows, kernel columns], and, if db is not null,
/// of the bias, db [outputs]. x [batch, rows, columns, inputs] and the gradient of the output, dy
/// [batch, windows of rows, windows of columns, outputs], are both in `format`.
void ck_convolution_weight_gradient(
    const ck_convolution *shape, ck_format format, const void *x, const void *dy, float *dw, float *db, void *scratch, int threads);

// MARK: Group normalization, Mish, FiLM and residual in one pass (group_norm.c)

typedef struct {
    ptrdiff_t batch, time, channels, groups;
    float epsilon;
    /// Whether Mish follows the normalization.
    int mish;
    /// Format of x, residual and out, and of dy and dx in the backward pass: float32 or bf16. Everything else,
    /// including the sums, is float32.
    ck_format format;
    /// [batch, time, channels].
    const void *x;
    /// [channels].
    const float *gain, *bias;
    /// FiLM's scale and bias [channels] of a batch item start at scale + item · film_stride and bias + item ·
    /// film_stride. Both are null without FiLM; only the scale is null for a bias alone.
    const float *film_scale, *film_bias;
    ptrdiff_t film_stride;
    /// [batch, time, channels], added at the end; null if there is no residual.
    const void *residual;
    /// [batch, time, channels].
    void *out;
    /// Channels of an item that one thread processes, in whole groups; 0 for all.
    ptrdiff_t grain;
} ck_group_norm;

/// Returns the call that computes it at the current level of vector instructions; `norm` must remain at its
/// address. Threads divide the grains.
ck_call ck_group_norm_call(ck_group_norm *norm);
/// Computes out [batch, time, channels] immediately, with a grain chosen for the threads.
void ck_group_norm_forward(const ck_group_norm *norm, int threads);

typedef struct {
    /// As in the forward pass, but residual and out are not used.
    ck_group_norm norm;
    /// [batch, time, channels].
    const void *dy;
    void *dx;
    /// [channels]; null if not wanted.
    float *d_gain, *d_bias;
    /// [batch, channels] with rows `film_stride` apart; null if not wanted.
    float *d_film_scale, *d_film_bias;
    ptrdiff_t film_stride;
    /// `ck_group_norm_scratch` floats.
    float *scratch;
} ck_group_norm_gradient;

/// Returns the number of floats of scratch memory that the backward pass needs, [threads, 2 + time, channels].
ptrdiff_t ck_group_norm_scratch(const ck_group_norm *norm, int threads);
/// Computes dx [batch, time, channels] and the requested gradients of gain and bias [channels] and of FiLM
/// [batch, channels].
void ck_group_norm_backward(const ck_group_norm_gradient *gradient, int threads);

// MARK: FiLM alone (film.c)

typedef struct {
    ptrdiff_t batch, time, channels;
    /// Format of x, dy and out: float32 or bf16.
    ck_format format;
    /// [batch, time, channels].
    const void *x;
    /// The scale and bias [channels] of a batch item start at scale + item · film_stride and bias + item ·
    /// film_stride.
    const float *scale, *bias;
    ptrdiff_t film_stride;
    /// [batch, time, channels]: scale · x + bias, or the gradient of x in the backward pass.
    void *out;
    /// For the backward pass only: the gradient of the result [batch, time, channels], and the gradients of scale
    /// and bias [batch, channels].
    const void *dy;
    float *d_scale, *d_bias;
} ck_modulation;

/// out = scale · x + bias, with x and out [batch, time, channels].
void ck_film(const ck_modulation *modulation, int threads);
/// Computes the gradients of x, to out [batch, time, channels], and of scale and bias [batch, channels] from dy
/// [batch, time, channels].
void ck_film_gradient(const ck_modulation *modulation, int threads);

// MARK: Embeddings and losses (losses.c)

/// Writes the embeddings of steps [batch] to out [batch, dimension]: sines in the first half, cosines in the
/// second.
void ck_sinusoidal_embedding(const float *steps, float *out, ptrdiff_t batch, ptrdiff_t dimension);
/// Selects the rows of table [rows, columns] at indices [batch] and writes them to out [batch, columns]. Clamps
/// indices out of range to the nearest row.
void ck_look_up(const float *table, ptrdiff_t rows, const float *indices, float *out, ptrdiff_t batch, ptrdiff_t columns);
/// out[0] = mean of (prediction − target)², with prediction and target [count].
void ck_mean_squared_error(const float *prediction, const float *target, float *out, ptrdiff_t count);
/// out = 2 · scale[0] / count · (prediction − target), [count] each.
void ck_mean_squared_error_gradient(
    const float *prediction, const float *target, const float *scale, float *out, ptrdiff_t count, int threads);

// MARK: Training (optimizer.c)

/// Constants of one AdamW update and of the EMA (exponential moving average) after it.
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

/// Updates the parameters, both moments and the EMA of the parameters (`average`) from the gradients, [count] each.
void ck_adamw_update(
    const ck_adamw *update, float *parameters, const float *gradients, float *first_moment, float *second_moment,
    float *average, ptrdiff_t count, int threads);
/// Returns the sum of the squares of x [count].
double ck_sum_of_squares(const float *x, ptrdiff_t count, int threads);
/// total += factor · x, [count] each.
void ck_accumulate(const float *x, float factor, float *total, ptrdiff_t count, int threads);

// MARK: Skinny GEMM, blocked GEMM and Winograd (skinny_gemm.c, blocked_gemm.c, winograd.c, panels.c)

#include "skinny_gemm.h"
#include "blocked_gemm.h"
#include "winograd.h"

// MARK: Images (image_norm.c, max_pool.c, spatial_softmax.c, pixels.c)

#include "images.h"

// MARK: Transformers (gelu.c, dropout.c, layer_norm.c, attention.c)

#include "transformer.h"

#endif
