/* blocked: whether something outside keeps a needed system call from us. */
#ifndef RUN_BLOCKED_H
#define RUN_BLOCKED_H

#include "base/error.h"

/* Looks into a failure for want of permission or of a system call (EPERM, ENOSYS): if a call that every sandbox needs
 * is taken away, rewrites *err to say which, with exit status 122; else leaves it alone. */
void blocked_explain(struct error *err);

#endif
