/* end: kills what a pid namespace does not kill for us. */
#ifndef RUN_END_H
#define RUN_END_H

#include "stage/stage.h"

/* Kills every process in the sandbox's cgroups, `self` excepted (0: nobody is; with cgroup v2's cgroup.kill nobody is
 * in any case). Returns true when none was found, so that a caller can repeat it until forks have lost the race. Uses
 * the descriptors in `handed`; does nothing, and returns true, where there are none. */
CHILD bool end_cgroups(const struct handed *handed, pid_t self);

#endif
