// What a team's own files share: a region is a piece of work in parts, which threads claim one by one.
#ifndef CK_TEAM_H
#define CK_TEAM_H

#include <pthread.h>
#include <stddef.h>

#include "CKernels.h"
#include "gate.h"

/// A part of the open region.
typedef struct {
    /// The last region in which a thread has claimed this part.
    _Alignas(64) _Atomic uint64_t claimed;
} ck_part;

typedef struct {
    struct ck_team *team;
    pthread_t thread;
    int number;
} ck_member;

/// The threads in a region that wait for each other: all of them arrive before any goes on.
typedef struct {
    _Alignas(64) _Atomic uint32_t arrivals;
    ck_gate gate;
} ck_meeting;

/// How the threads of a team work: together, where a thread that waits spins for long before it sleeps; together, where it sleeps soon; or not at all but
/// for the leader, which does all parts.
typedef enum { ck_spinning, ck_patient, ck_leader_alone } ck_manner;

struct ck_team {
    /// Threads, the leader included.
    int size;
    ck_member members[ck_most_threads];

    // The open region; only the leader writes, and only while none is open.
    ck_body body;
    void *context;
    /// For the OpenMP barrier.
    ck_meeting barrier;
    /// Its number, whether members are to come late, and how many parts it has, as one word.
    _Alignas(64) _Atomic uint64_t region;
    /// Members sleep here for the next region.
    ck_gate opened;
    /// Parts that are not finished, and where the leader sleeps for the last one.
    _Alignas(64) atomic_int pending;
    ck_gate finished;
    ck_part parts[ck_most_threads];

    // Members look at these all the time; the leader seldom changes them.
    /// A `ck_manner`.
    _Alignas(64) atomic_int manner;
    atomic_int is_disbanded;

    // Known to the leader alone, which is one thread at a time and writes them in every region: on lines that no member reads.
    /// The thread that led last.
    _Alignas(64) pthread_t leader;
    uint64_t last_region;
    /// Whether a region is open: the leader is in one of its parts.
    int is_at_work;
    ck_team_mode mode;
    ck_team_goal goal;
    /// For how long the team worked in another manner than spinning the last time, and until when.
    int64_t change_time, change_end;
    /// When the last region ended.
    int64_t idle_since;
    /// What the leader has done since a moment not long ago: by the clock, on its processor, and waiting on it.
    struct {
        int64_t begin, processor_begin, spun;
    } window;
    /// Whether the threads in regions of the primitive at work wait for each other, as far as is known (openmp.c).
    int *meets_inside;
    ck_team_counts counts;
};

/// Whether two fields of a team are never in the same cache line.
#define CK_APART(a, b) (offsetof(struct ck_team, a) / 64 != offsetof(struct ck_team, b) / 64)
_Static_assert(CK_APART(region, opened) && CK_APART(opened, pending) && CK_APART(pending, finished), "signals apart");
_Static_assert(CK_APART(barrier, region) && CK_APART(finished, parts) && CK_APART(parts, manner), "signals apart");
_Static_assert(CK_APART(manner, leader) && CK_APART(is_disbanded, leader), "what members read apart");
_Static_assert(offsetof(ck_meeting, arrivals) / 64 != offsetof(ck_meeting, gate) / 64, "a meeting's signals apart");

/// Whether a region of so many parts is to be shared with members; never one that begins inside another.
int ck_shares(ck_team *team, int parts);

/// Has the team do all parts of a region. Members that come late do only what the leader has not begun after 100 ms.
/// - Returns: whether a member began a part before the leader was done with its first one.
int ck_run_region(ck_team *team, ck_body body, void *context, int parts, int members_come_late);

/// Notes that a member has no processor: the team works in another manner for a while.
void ck_note_loss(ck_team *team);

/// Waits until every part is claimed, but not for long: a member that does not come then has no processor.
void ck_await_claims(ck_team *team, int parts);
/// Claims a part that nobody has begun, for the leader.
int ck_claim_for_leader(ck_team *team, int part);
void ck_finish_for_leader(ck_team *team);

/// Arrives as so many of all parts and waits for the others; `number` counts the meetings from 1.
/// - Returns: nanoseconds for which it spun, or 0 if it was very short.
int64_t ck_meet(ck_team *team, ck_meeting *meeting, uint32_t number, int arriving, int parts);

#endif
