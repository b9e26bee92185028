// Where Swift's tasks run: the runtime's hook for what goes to the global executor, which Swift
// cannot name (swift/Runtime/Concurrency.h, swift_task_enqueueGlobal_hook).

#pragma once

#define TOTE_SWIFTCALL __attribute__((swiftcall))

typedef void (*tote_job_taker)(void *job);

extern TOTE_SWIFTCALL void (*swift_task_enqueueGlobal_hook)(void *job, void *original);

static inline tote_job_taker *tote_taker(void) {
    static tote_job_taker taker;
    return &taker;
}

static inline TOTE_SWIFTCALL void tote_hand_over(void *job, void *original) {
    (void)original;
    (*tote_taker())(job);
}

/// Has a function take every job that is for the global executor; NULL gives them back to it.
static inline void tote_take_jobs(tote_job_taker taker) {
    *tote_taker() = taker;
    swift_task_enqueueGlobal_hook = taker ? tote_hand_over : 0;
}
