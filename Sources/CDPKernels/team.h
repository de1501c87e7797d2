// Declarations shared by the files of the team. A region is work split into parts, which threads claim one by one.
#ifndef CK_TEAM_H
#define CK_TEAM_H

#include <pthread.h>
#include <stddef.h>

#include "CDPKernels.h"
#include "gate.h"

/// A part of the open region.
typedef struct {
    /// Number of the last region in which a thread claimed this part.
    _Alignas(64) _Atomic uint64_t claimed;
} ck_part;

typedef struct {
    struct ck_team *team;
    pthread_t thread;
    int number;
} ck_member;

/// A barrier of the threads in a region: all of them arrive before any continues.
typedef struct {
    _Alignas(64) _Atomic uint32_t arrivals;
    ck_gate gate;
} ck_barrier;

/// How the threads of a team work: together, spinning for long before they sleep; together, sleeping soon; or only
/// the leader, which executes all parts.
typedef enum { ck_spinning, ck_patient, ck_leader_alone } ck_manner;

struct ck_team {
    /// Number of threads, including the leader.
    int size;
    ck_member members[ck_max_threads];

    // The open region; only the leader writes it, and only while no region is open.
    ck_body body;
    void *context;
    /// Barrier of OpenMP regions.
    ck_barrier barrier;
    /// Number of the region, whether members start late, and number of parts, in one word.
    _Alignas(64) _Atomic uint64_t region;
    /// Members sleep here until the next region.
    ck_gate opened;
    /// Number of unfinished parts, and the gate at which the leader sleeps until the last one is finished.
    _Alignas(64) atomic_int pending;
    ck_gate finished;
    ck_part parts[ck_max_threads];

    // Members read these constantly; the leader seldom changes them.
    /// A `ck_manner`.
    _Alignas(64) atomic_int manner;
    atomic_int is_disbanded;

    // Used only by the leader, which is one thread at a time and writes them in every region; on cache lines that
    // no member reads.
    /// The latest leader thread.
    _Alignas(64) pthread_t leader;
    uint64_t last_region;
    /// Whether a region is open, that is, the leader is executing one of its parts.
    int is_at_work;
    ck_team_mode mode;
    ck_team_goal goal;
    /// Duration and end of the latest period in a manner other than spinning.
    int64_t change_time, change_end;
    /// When the last region ended.
    int64_t idle_since;
    /// Recent work of the leader: start of the window by the clock, processor time at its start, and time spent
    /// spinning since.
    struct {
        int64_t begin, processor_begin, spun;
    } window;
    /// Whether the threads in regions of the current primitive wait for each other, as far as is known (openmp.c).
    int *has_barriers;
    ck_team_counts counts;
};

/// Whether two fields of a team are never in the same cache line.
#define CK_APART(a, b) (offsetof(struct ck_team, a) / 64 != offsetof(struct ck_team, b) / 64)
_Static_assert(CK_APART(region, opened) && CK_APART(opened, pending) && CK_APART(pending, finished), "signals apart");
_Static_assert(CK_APART(barrier, region) && CK_APART(finished, parts) && CK_APART(parts, manner), "signals apart");
_Static_assert(CK_APART(manner, leader) && CK_APART(is_disbanded, leader), "leader's fields apart");
_Static_assert(offsetof(ck_barrier, arrivals) / 64 != offsetof(ck_barrier, gate) / 64, "a barrier's signals apart");

/// Returns whether a region of `parts` parts is to be shared with members; never one that begins inside another.
int ck_shares(ck_team *team, int parts);

/// Executes all parts of a region with the team. Members that start late execute only parts that the leader has not
/// begun after 100 ms.
/// - Returns: whether a member began a part before the leader finished its first one.
int ck_run_region(ck_team *team, ck_body body, void *context, int parts, int delays_members);

/// Records that a member has no processor: the team works in another manner for a while.
void ck_note_absence(ck_team *team);

/// Waits briefly until every part is claimed: a member that has not claimed one by then has no processor.
void ck_await_claims(ck_team *team, int parts);
/// Claims a part for the leader; fails if another thread has begun it.
int ck_claim_for_leader(ck_team *team, int part);
/// Finishes a part for the leader.
void ck_finish_for_leader(ck_team *team);

/// Arrives as `arriving` of `parts` parts and waits for the others; `number` counts the barriers from 1.
/// - Returns: nanoseconds for which it spun, or 0 if it was very short.
int64_t ck_barrier_wait(ck_team *team, ck_barrier *barrier, uint32_t number, int arriving, int parts);

#endif
