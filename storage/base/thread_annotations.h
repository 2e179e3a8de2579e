#pragma once

// Clang's thread-safety analysis (clang.llvm.org/docs/ThreadSafetyAnalysis.html); nothing under other compilers.
#if defined(__clang__)
#define SETT_ANNOTATION(x) __attribute__((x))
#else
#define SETT_ANNOTATION(x)
#endif

#define CAPABILITY(name) SETT_ANNOTATION(capability(name))
#define SCOPED_CAPABILITY SETT_ANNOTATION(scoped_lockable)
#define GUARDED_BY(x) SETT_ANNOTATION(guarded_by(x))
#define PT_GUARDED_BY(x) SETT_ANNOTATION(pt_guarded_by(x))
#define REQUIRES(...) SETT_ANNOTATION(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) SETT_ANNOTATION(acquire_capability(__VA_ARGS__))
#define RELEASE(...) SETT_ANNOTATION(release_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) SETT_ANNOTATION(try_acquire_capability(__VA_ARGS__))
#define EXCLUDES(...) SETT_ANNOTATION(locks_excluded(__VA_ARGS__))
#define ASSERT_CAPABILITY(x) SETT_ANNOTATION(assert_capability(x))
#define RETURN_CAPABILITY(x) SETT_ANNOTATION(lock_returned(x))
#define NO_THREAD_SAFETY_ANALYSIS SETT_ANNOTATION(no_thread_safety_analysis)  // always with a reason beside it
