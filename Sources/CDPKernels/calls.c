#include "team.h"

// A list of calls is one region. Its threads wait at a barrier where a call needs the results of earlier calls; the
// calls between two barriers are a phase. Before the first barrier, the leader takes the parts that no thread has
// begun, since their members have no processor. After a long wait at a barrier, it also takes the parts whose next
// phase no thread has begun: two threads on one processor would wait for each other at every barrier, a
// millisecond each time.

/// Progress of a part of a list.
typedef struct {
    /// Number of phases that its member has begun, or `ck_taken_over`.
    _Alignas(64) _Atomic uint32_t begun;
} ck_progress;

static const uint32_t ck_taken_over = UINT32_MAX;

/// The leader's wait at a barrier that counts as long: another thread uses its processor, or has none.
#define CK_LONG_WAIT_NANOSECONDS 200000

typedef struct {
    ck_team *team;
    const ck_call *calls;
    ptrdiff_t count;
    ck_barrier barrier;
    ck_progress parts[ck_max_threads];
} ck_walk;

/// Begins a phase of a part, for its member or to take the part over; fails if the other thread has done so.
static int ck_begin(ck_walk *walk, int part, uint32_t phase, uint32_t next) {
    return atomic_compare_exchange_strong_explicit(
        &walk->parts[part].begun, &phase, next, memory_order_acq_rel, memory_order_relaxed);
}

static void ck_do_part(const ck_call *call, int part, int parts) {
    if (!call->is_serial) call->body(call->context, part, parts);
    else if (part == 0) call->body(call->context, 0, 1);
}

/// Executes a part as its member, until the leader takes it over.
static void ck_follow(ck_walk *walk, int part, int parts) {
    uint32_t barriers = 0;
    for (const ck_call *call = walk->calls; call < walk->calls + walk->count; call++) {
        if (call->waits) {
            ck_barrier_wait(walk->team, &walk->barrier, ++barriers, 1, parts);
            if (!ck_begin(walk, part, barriers, barriers + 1)) return;
        }
        ck_do_part(call, part, parts);
    }
}

/// The parts that the leader executes, the first `whole` of them from their beginning.
typedef struct {
    int count, whole, parts[ck_max_threads];
} ck_own_parts;

/// Takes over the parts whose phase no thread has begun, and executes it.
static void ck_take_over(
    ck_walk *walk, uint32_t phase, const ck_call *begin, const ck_call *end, ck_own_parts *own, int parts) {
    const int before = own->count;
    if (phase == 0) ck_await_claims(walk->team, parts);
    for (int part = 1; part < parts; part++) {
        if (phase == 0 ? !ck_claim_for_leader(walk->team, part) : !ck_begin(walk, part, phase, ck_taken_over)) continue;
        if (phase == 0) atomic_store_explicit(&walk->parts[part].begun, ck_taken_over, memory_order_relaxed);
        own->parts[own->count++] = part;
        for (const ck_call *call = begin; call < end; call++) ck_do_part(call, part, parts);
    }
    if (phase == 0) own->whole = own->count;
    else if (own->count > before) ck_note_absence(walk->team);
}

static void ck_lead(ck_walk *walk, int parts) {
    ck_own_parts own = {.count = 1, .whole = 1};
    uint32_t barriers = 0;
    int has_waited_long = 0;
    const ck_call *begin = walk->calls;
    for (const ck_call *call = walk->calls; call < walk->calls + walk->count; call++) {
        if (call->waits) {
            if (barriers == 0 || has_waited_long) ck_take_over(walk, barriers, begin, call, &own, parts);
            has_waited_long |= ck_barrier_wait(walk->team, &walk->barrier, ++barriers, own.count, parts) > CK_LONG_WAIT_NANOSECONDS;
            begin = call;
        }
        for (int i = 0; i < own.count; i++) ck_do_part(call, own.parts[i], parts);
    }
    if (has_waited_long) ck_take_over(walk, barriers, begin, walk->calls + walk->count, &own, parts);
    // A member whose part was taken over still finishes it, because it reads this list until then.
    for (int i = 1; i < own.whole; i++) ck_finish_for_leader(walk->team);
}

static void ck_walk_body(void *context, int part, int parts) {
    ck_walk *walk = context;
    if (part == 0) ck_lead(walk, parts);
    else ck_follow(walk, part, parts);
}

void ck_run_calls(const ck_call *calls, ptrdiff_t count, int parts) {
    ck_team *team = ck_current_team();
    if (ck_shares(team, parts)) {
        ck_walk walk;
        walk.team = team, walk.calls = calls, walk.count = count;
        walk.barrier = (ck_barrier){0};
        for (int part = 0; part < parts; part++) atomic_init(&walk.parts[part].begun, 1);
        ck_run_region(team, ck_walk_body, &walk, parts, 0);
        return;
    }
    for (const ck_call *call = calls; call < calls + count; call++)
        for (int part = 0; part < parts; part++) ck_do_part(call, part, parts);
}
