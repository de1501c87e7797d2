#include "team.h"

// A list of calls is one region in which the threads meet where one needs what another has made. At the first meeting the leader takes the parts that
// nobody has begun, since their members have no processor.

typedef struct {
    ck_team *team;
    const ck_call *calls;
    ptrdiff_t count;
    ck_meeting meeting;
} ck_walk;

static void ck_do_part(const ck_call *call, int part, int parts) {
    if (!call->is_serial) call->body(call->context, part, parts);
    else if (part == 0) call->body(call->context, 0, 1);
}

static void ck_follow(ck_walk *walk, int part, int parts) {
    uint32_t meetings = 0;
    for (const ck_call *call = walk->calls; call < walk->calls + walk->count; call++) {
        if (call->waits) ck_meet(walk->team, &walk->meeting, ++meetings, 1, parts);
        ck_do_part(call, part, parts);
    }
}

/// The parts that the leader does.
typedef struct {
    int count, parts[ck_most_threads];
} ck_own_parts;

/// Takes the parts that nobody begins and does them up to a call.
static void ck_take_over(ck_walk *walk, const ck_call *end, ck_own_parts *own, int parts) {
    ck_await_claims(walk->team, parts);
    for (int part = 1; part < parts; part++) {
        if (!ck_claim_for_leader(walk->team, part)) continue;
        own->parts[own->count++] = part;
        for (const ck_call *call = walk->calls; call < end; call++) ck_do_part(call, part, parts);
    }
}

static void ck_lead(ck_walk *walk, int parts) {
    ck_own_parts own = {.count = 1};
    uint32_t meetings = 0;
    for (const ck_call *call = walk->calls; call < walk->calls + walk->count; call++) {
        if (call->waits) {
            if (meetings == 0) ck_take_over(walk, call, &own, parts);
            ck_meet(walk->team, &walk->meeting, ++meetings, own.count, parts);
        }
        for (int i = 0; i < own.count; i++) ck_do_part(call, own.parts[i], parts);
    }
    for (int i = 1; i < own.count; i++) ck_finish_for_leader(walk->team);
}

static void ck_walk_body(void *context, int part, int parts) {
    ck_walk *walk = context;
    if (part == 0) ck_lead(walk, parts);
    else ck_follow(walk, part, parts);
}

void ck_run_calls(const ck_call *calls, ptrdiff_t count, int parts) {
    ck_team *team = ck_current_team();
    if (ck_shares(team, parts)) {
        ck_walk walk = {.team = team, .calls = calls, .count = count};
        ck_run_region(team, ck_walk_body, &walk, parts, 0);
        return;
    }
    for (const ck_call *call = calls; call < calls + count; call++)
        for (int part = 0; part < parts; part++) ck_do_part(call, part, parts);
}
