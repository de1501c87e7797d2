#define _GNU_SOURCE
#include "team.h"

#include <signal.h>
#include <stdlib.h>

// Threads claim the parts of a region instead of receiving them: a member that has no processor when a region
// begins delays no thread, because the leader takes its part. A member that loses its processor in the middle of a
// part does; then the leader executes all parts itself for a while. The number of parts, on which the order of sums
// depends, stays the same, whichever threads execute them.

/// A team has a loss when its leader works for so little of the time that the team does less than one and a half
/// threads would, because the leader waits for members that have no processor, or has none itself. The time is
/// measured over a window of this length, or a shorter one after a wait, and excludes times without work. Two
/// programs that take turns on a processor have it for 3 or 4 ms each.
#define CK_WINDOW_NANOSECONDS 16000000LL
#define CK_SHORT_WINDOW_NANOSECONDS 4000000LL
#define CK_IDLE_NANOSECONDS 1000000LL
/// Maximum time that the leader waits for a member to begin its part of a list of calls.
#define CK_ABSENT_NANOSECONDS 200000LL
/// Minimum and maximum time for which a team works in another manner after a loss. For latency, the leader works
/// alone, because waiting would make it late. For throughput, waiting threads sleep soon: a thread that spins uses
/// up the time in which it could have worked, and the system prefers one that has slept. The time doubles unless
/// the team has worked in its usual manner for long: for 64 ms, or for latency for four times as long as in the
/// other manner before. A thread that stands still occasionally has not lost its processor.
#define CK_LEAST_CHANGE_NANOSECONDS 2000000LL
#define CK_MOST_CHANGE_NANOSECONDS 512000000LL
#define CK_LONG_USUAL_NANOSECONDS 64000000LL
/// Interval at which a late member checks for parts that no thread has begun, and number of checks before it sleeps
/// until it is woken.
#define CK_LATE_NANOSECONDS 100000000L
#define CK_LATE_LOOKS 8

static _Thread_local ck_team *ck_led;

ck_team *ck_current_team(void) { return ck_led; }

// MARK: Losses

static void ck_begin_window(ck_team *team, int64_t now) {
    team->window.begin = now;
    team->window.processor_begin = ck_processor_time();
    team->window.spun = 0;
}

static inline ck_manner ck_read_manner(ck_team *team) {
    return (ck_manner)atomic_load_explicit(&team->manner, memory_order_relaxed);
}

/// Returns the manner of the next region; a team works together again when its time after a loss is over.
static ck_manner ck_current_manner(ck_team *team) {
    if (team->mode != ck_together_or_alone) return team->mode == ck_alone ? ck_leader_alone : ck_spinning;
    const ck_manner manner = ck_read_manner(team);
    if (manner == ck_spinning) return manner;
    const int64_t now = ck_now();
    if (now < team->change_end) return manner;
    atomic_store_explicit(&team->manner, ck_spinning, memory_order_relaxed);
    team->change_end = now;
    ck_begin_window(team, now);
    return ck_spinning;
}

void ck_note_absence(ck_team *team) {
    team->counts.absences++;
    // One region may lose a member at its start and be slow at its end.
    if (team->mode != ck_together_or_alone || ck_read_manner(team) != ck_spinning) return;
    const int64_t now = ck_now(), usual = now - team->change_end;
    const int is_rare = usual > CK_LONG_USUAL_NANOSECONDS || (team->goal == ck_latency && usual > 4 * team->change_time);
    if (is_rare) team->change_time = CK_LEAST_CHANGE_NANOSECONDS;
    else if (team->change_time < CK_MOST_CHANGE_NANOSECONDS)
        team->change_time *= 2;
    team->change_end = now + team->change_time;
    atomic_store_explicit(&team->manner, team->goal == ck_latency ? ck_leader_alone : ck_patient, memory_order_relaxed);
}

/// Checks the fraction of its time for which the leader has worked.
static void ck_look_back(ck_team *team, int64_t now) {
    const int64_t time = now - team->window.begin;
    if (time < (team->window.spun ? CK_SHORT_WINDOW_NANOSECONDS : CK_WINDOW_NANOSECONDS)) return;
    const int64_t work = ck_processor_time() - team->window.processor_begin - team->window.spun;
    if (2 * team->size * work < 3 * time) ck_note_absence(team);
    if (time > CK_WINDOW_NANOSECONDS) ck_begin_window(team, now);
}

/// Waits until a gate reaches a number; spins less while the team is patient.
/// - Returns: nanoseconds for which it spun, or 0 if it was very short.
static int64_t ck_wait(ck_team *team, ck_gate *gate, uint32_t number) {
    if (ck_read_manner(team) != ck_patient) return ck_gate_wait(gate, number);
    ck_gate_wait_patiently(gate, number);
    return 0;
}

// MARK: Regions

static inline uint64_t ck_describe_region(uint64_t number, int is_late, int parts) {
    return number << 16 | (uint64_t)is_late << 15 | (uint64_t)parts;
}
static inline uint64_t ck_number_of(uint64_t region) { return region >> 16; }
static inline int ck_is_late(uint64_t region) { return region >> 15 & 1; }
static inline int ck_parts_of(uint64_t region) { return region & 0x7FFF; }

/// Claims a part of a region. Fails if another thread has claimed it, which includes regions that ended long ago:
/// all their parts were claimed.
static int ck_claim(ck_team *team, uint64_t number, int part) {
    uint64_t claimed = atomic_load_explicit(&team->parts[part].claimed, memory_order_relaxed);
    return claimed < number
        && atomic_compare_exchange_strong_explicit(
            &team->parts[part].claimed, &claimed, number, memory_order_acq_rel, memory_order_relaxed);
}

static void ck_finish(ck_team *team, uint64_t number) {
    if (atomic_fetch_sub_explicit(&team->pending, 1, memory_order_acq_rel) == 1)
        ck_gate_open(&team->finished, (uint32_t)number);
}

int ck_claim_for_leader(ck_team *team, int part) { return ck_claim(team, team->last_region, part); }
void ck_finish_for_leader(ck_team *team) { ck_finish(team, team->last_region); }

/// Returns whether a member has begun a part of the open region.
static int ck_has_company(ck_team *team, int parts) {
    for (int part = 1; part < parts; part++)
        if (atomic_load_explicit(&team->parts[part].claimed, memory_order_relaxed) == team->last_region) return 1;
    return 0;
}

int ck_run_region(ck_team *team, ck_body body, void *context, int parts, int delays_members) {
    const uint64_t number = ++team->last_region;
    team->is_at_work = 1;
    const int64_t begin = ck_now();
    if (begin - team->idle_since > CK_IDLE_NANOSECONDS) ck_begin_window(team, begin);
    team->body = body;
    team->context = context;
    atomic_store_explicit(&team->barrier.arrivals, 0, memory_order_relaxed);
    atomic_store_explicit(&team->barrier.gate.number, 0, memory_order_relaxed);
    atomic_store_explicit(&team->pending, parts, memory_order_relaxed);
    atomic_store_explicit(&team->parts[0].claimed, number, memory_order_relaxed);
    atomic_store_explicit(&team->region, ck_describe_region(number, delays_members, parts), memory_order_release);
    if (delays_members) ck_gate_open_quietly(&team->opened, (uint32_t)number);
    else ck_gate_open(&team->opened, (uint32_t)number);

    body(context, 0, parts);
    const int has_company = ck_has_company(team, parts);
    ck_finish(team, number);
    for (int part = 1; part < parts; part++)
        if (ck_claim(team, number, part)) {
            body(context, part, parts);
            ck_finish(team, number);
        }
    team->window.spun += ck_wait(team, &team->finished, (uint32_t)number);
    team->is_at_work = 0;
    team->idle_since = ck_now();
    if (!delays_members) ck_look_back(team, team->idle_since);
    return has_company;
}

void ck_await_claims(ck_team *team, int parts) {
    int64_t begin = 0;
    for (int part = 1; part < parts; part++)
        for (int pauses = 1; atomic_load_explicit(&team->parts[part].claimed, memory_order_relaxed) < team->last_region; pauses++) {
            ck_pause();
            if (pauses % 32) continue;
            if (!begin) begin = ck_now();
            if (ck_now() - begin > CK_ABSENT_NANOSECONDS) return ck_note_absence(team);
        }
}

int ck_shares(ck_team *team, int parts) {
    if (parts <= 1 || parts > ck_max_threads || !team || team->size <= 1 || team->is_at_work) return 0;
    const int shares = ck_current_manner(team) != ck_leader_alone;
    if (shares) team->counts.shared_regions++;
    else team->counts.solo_regions++;
    return shares;
}

void ck_parallel(ck_body body, void *context, int parts) {
    if (ck_shares(ck_led, parts)) ck_run_region(ck_led, body, context, parts, 0);
    else
        for (int part = 0; part < parts; part++) body(context, part, parts);
}

// MARK: Barriers

int64_t ck_barrier_wait(ck_team *team, ck_barrier *barrier, uint32_t number, int arriving, int parts) {
    const uint32_t arrivals = (uint32_t)arriving
        + atomic_fetch_add_explicit(&barrier->arrivals, (uint32_t)arriving, memory_order_acq_rel);
    if (arrivals == number * (uint32_t)parts) {
        ck_gate_open(&barrier->gate, number);
        return 0;
    }
    const int64_t spun = ck_wait(team, &barrier->gate, number);
    if (ck_led) team->window.spun += spun;
    return spun;
}

// MARK: Members

/// Executes the parts that no thread has begun, starting with the one of its own number, whose memory may still be
/// in its cache.
static void ck_take_parts(ck_member *member, uint64_t region) {
    ck_team *team = member->team;
    const uint64_t number = ck_number_of(region);
    const int parts = ck_parts_of(region);
    for (int i = 0; i < parts; i++) {
        const int part = (member->number + i) % parts;
        if (!ck_claim(team, number, part)) continue;
        // The region cannot end before this part does.
        team->body(team->context, part, parts);
        ck_finish(team, number);
    }
}

/// Gives the leader time to execute all of a region in which members start late, then executes the parts that it
/// has not begun.
static uint64_t ck_come_late(ck_member *member, uint64_t region) {
    ck_team *team = member->team;
    for (int looks = 0; looks < CK_LATE_LOOKS && ck_is_late(region); looks++) {
        ck_gate_nap(&team->opened, (uint32_t)ck_number_of(region) + 1, CK_LATE_NANOSECONDS);
        const uint64_t now = atomic_load_explicit(&team->region, memory_order_acquire);
        if (now == region) ck_take_parts(member, region);
        else looks = 0;
        region = now;
    }
    return region;
}

static void *ck_serve(void *context) {
    ck_member *member = context;
    ck_team *team = member->team;
    uint64_t region = 0;
    ck_reserve_scratch(CK_DEFAULT_SCRATCH);
    while (1) {
        const uint32_t next = (uint32_t)ck_number_of(region) + 1;
        if (ck_read_manner(team) == ck_leader_alone) ck_gate_wait_asleep(&team->opened, next);
        else ck_wait(team, &team->opened, next);
        if (atomic_load_explicit(&team->is_disbanded, memory_order_relaxed)) return 0;
        region = atomic_load_explicit(&team->region, memory_order_acquire);
        if (ck_is_late(region)) region = ck_come_late(member, region);
        if (!ck_is_late(region)) ck_take_parts(member, region);
    }
}

static int ck_start(ck_member *member) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)2 << 20);
    // The program's other threads handle signals.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(&member->thread, &attributes, ck_serve, member);
    pthread_sigmask(SIG_SETMASK, &before, 0);
    pthread_attr_destroy(&attributes);
    return !error;
}

ck_team *ck_make_team(int threads) {
    ck_team *team = aligned_alloc(64, sizeof(ck_team));
    if (!team) return 0;
    *team = (ck_team){.size = 1};
    for (int i = 1; i < threads && i < ck_max_threads; i++) {
        team->members[i] = (ck_member){.team = team, .number = i};
        if (!ck_start(&team->members[i])) break;
        team->size++;
    }
    return team;
}

ck_team *ck_lead_team(ck_team *team) {
    ck_team *before = ck_led;
    ck_led = team;
    if (team) ck_reserve_scratch(CK_DEFAULT_SCRATCH);
    if (team && !pthread_equal(team->leader, pthread_self())) {
        // The times of another thread do not apply to this one.
        team->leader = pthread_self();
        team->idle_since = 0;
    }
    return before;
}

void ck_disband_team(ck_team *team) {
    atomic_store(&team->is_disbanded, 1);
    ck_gate_open(&team->opened, (uint32_t)++team->last_region);
    for (int i = 1; i < team->size; i++) pthread_join(team->members[i].thread, 0);
    free(team);
}

int ck_team_size(const ck_team *team) { return team->size; }
ck_team_counts ck_count_team(const ck_team *team) { return team->counts; }

void ck_set_team_mode(ck_team *team, ck_team_mode mode) {
    team->mode = mode;
    atomic_store_explicit(&team->manner, ck_spinning, memory_order_relaxed);
}

void ck_set_team_goal(ck_team *team, ck_team_goal goal) { team->goal = goal; }
