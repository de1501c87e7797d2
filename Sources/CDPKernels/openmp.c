#define _GNU_SOURCE
#include <dlfcn.h>

#include "team.h"

// oneDNN calls six functions of libgomp, the OpenMP runtime of GCC. A program that defines them receives the calls
// instead, so that the team of the calling thread executes oneDNN's regions. omp_set_num_threads, which other libraries
// may call, is also defined: it does not change a team. Calls from threads outside of a team are forwarded to libgomp,
// so that other libraries in the program work as usual.

typedef struct {
    void (*function)(void *);
    void *data;
    ck_team *team;
} ck_foreign;

/// The part of an OpenMP region that the calling thread is executing.
static _Thread_local struct {
    ck_team *team;
    int part, parts;
    uint32_t barriers;
} ck_current_part;

static void ck_foreign_body(void *context, int part, int parts) {
    const ck_foreign *region = context;
    ck_current_part.team = region->team;
    ck_current_part.part = part;
    ck_current_part.parts = parts;
    ck_current_part.barriers = 0;
    region->function(region->data);
    ck_current_part.team = 0;
}

/// Some regions contain barriers of oneDNN's own and cannot finish with one thread. The first time a primitive does
/// this, the members join only after a delay; `has_barriers` then records it, and they join its later regions
/// immediately.
static void ck_share_foreign(ck_team *team, ck_foreign *region, int parts) {
    int unknown = 0, *has_barriers = team->has_barriers ? team->has_barriers : &unknown;
    const int delays_members = !*has_barriers && !ck_shares(team, parts);
    if (ck_run_region(team, ck_foreign_body, region, parts, delays_members) && delays_members) *has_barriers = 1;
}

void ck_begin_primitive(int *has_barriers) {
    ck_team *team = ck_current_team();
    if (team) team->has_barriers = has_barriers;
}

/// Returns the same name in the libraries loaded after this program: libgomp's, if one of them loads it.
static void *ck_next(const char *name) { return dlsym(RTLD_NEXT, name); }

#define CK_FORWARD(type, name, otherwise)                                                                              \
    type (*next)(void) = (type (*)(void))ck_next(name);                                                                \
    return next ? next() : otherwise

static int ck_is_ours(void) { return ck_current_part.team || ck_current_team(); }

void GOMP_parallel(void (*function)(void *), void *data, unsigned threads, unsigned flags) {
    ck_team *team = ck_current_team();
    if (!ck_is_ours()) {
        void (*next)(void (*)(void *), void *, unsigned, unsigned) = ck_next("GOMP_parallel");
        if (next) next(function, data, threads, flags);
        else function(data);
        return;
    }
    const __typeof__(ck_current_part) outer = ck_current_part;
    ck_foreign region = {function, data, outer.team ? outer.team : team};
    // One thread executes a nested region.
    const int size = outer.team || team->is_at_work ? 1 : team->size;
    const int parts = threads && (int)threads < size ? (int)threads : size;
    if (parts > 1) ck_share_foreign(team, &region, parts);
    else ck_foreign_body(&region, 0, 1);
    ck_current_part = outer;
}

void GOMP_barrier(void) {
    ck_team *team = ck_current_part.team;
    if (!team) {
        void (*next)(void) = ck_next("GOMP_barrier");
        if (next) next();
        return;
    }
    if (ck_current_part.parts > 1)
        ck_barrier_wait(team, &team->barrier, ++ck_current_part.barriers, 1, ck_current_part.parts);
}

int omp_get_thread_num(void) {
    if (ck_is_ours()) return ck_current_part.team ? ck_current_part.part : 0;
    CK_FORWARD(int, "omp_get_thread_num", 0);
}

int omp_get_num_threads(void) {
    if (ck_is_ours()) return ck_current_part.team ? ck_current_part.parts : 1;
    CK_FORWARD(int, "omp_get_num_threads", 1);
}

int omp_get_max_threads(void) {
    if (ck_is_ours()) return ck_current_team() ? ck_current_team()->size : 1;
    CK_FORWARD(int, "omp_get_max_threads", 1);
}

int omp_in_parallel(void) {
    if (ck_is_ours()) return ck_current_part.team != 0 && ck_current_part.parts > 1;
    CK_FORWARD(int, "omp_in_parallel", 0);
}

void omp_set_num_threads(int threads) {
    void (*next)(int) = ck_is_ours() ? 0 : ck_next("omp_set_num_threads");
    if (next) next(threads);
}

int ck_serves_openmp(void) {
    // The table also keeps linkers from dropping functions that only a library calls.
    static const struct {
        const char *name;
        void (*function)(void);
    } names[] = {
        {"GOMP_parallel", (void (*)(void))GOMP_parallel},
        {"GOMP_barrier", (void (*)(void))GOMP_barrier},
        {"omp_get_thread_num", (void (*)(void))omp_get_thread_num},
        {"omp_get_num_threads", (void (*)(void))omp_get_num_threads},
        {"omp_get_max_threads", (void (*)(void))omp_get_max_threads},
        {"omp_in_parallel", (void (*)(void))omp_in_parallel},
        {"omp_set_num_threads", (void (*)(void))omp_set_num_threads},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if ((void (*)(void))dlsym(RTLD_DEFAULT, names[i].name) != names[i].function) return 0;
    return 1;
}
