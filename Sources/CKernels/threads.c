#include "vector.h"

// The OpenMP runtime that oneDNN runs on. clang compiles no pragmas for it here, so its entry points are called directly: a second pool of threads
// beside it would compete for the same cores.
void GOMP_parallel(void (*function)(void *), void *data, unsigned threads, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);
void omp_set_num_threads(int threads);
void omp_set_dynamic(int dynamic);

typedef struct {
    ck_body body;
    void *context;
    int team;
} ck_task;

static void ck_enter(void *data) {
    ck_task *task = data;
    const int thread = omp_get_thread_num(), team = omp_get_num_threads();
    if (thread == 0) task->team = team;
    task->body(task->context, thread, team);
}

int ck_parallel(ck_body body, void *context, int threads) {
    if (threads <= 1) {
        body(context, 0, 1);
        return 1;
    }
    ck_task task = {body, context, 1};
    GOMP_parallel(ck_enter, &task, (unsigned)threads, 0);
    return task.team;
}

void ck_set_threads(int threads) {
    omp_set_dynamic(0);
    omp_set_num_threads(threads);
}
