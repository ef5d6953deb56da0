/* compare_caps: between the files of `compare --caps`. */
#ifndef TELL_COMPARE_CAPS_H
#define TELL_COMPARE_CAPS_H

#include <stdbool.h>
#include <sys/types.h>

enum {
	CAPS_COUNT = 41,
	CAPS_SILENT = 200, /* not an errno: the kernel says yes and does not do it */
};

/* What a try finds around it: made by root, or by root of a user namespace, in namespaces of its own. The working
 * directory is an empty tmpfs with three files. */
struct caps_scene {
	uid_t self, other; /* who tries; somebody else, who may be unmapped */
	pid_t target;      /* a process of somebody else's, by its number for the trier */
	int queue;         /* a message queue that nobody may look at */
};

#define CAPS_OWN "own"       /* the trier's file, of somebody else's group */
#define CAPS_CLOSED "closed" /* somebody else's, closed to all */
#define CAPS_OTHER "other"   /* somebody else's, open to be read */

/* The operation. 0, errno, or CAPS_SILENT. Runs in a throw-away process, session leader without a terminal. */
typedef int caps_try_fn(const struct caps_scene *scene);

struct caps_trial {
	const char *name;      /* of the capability, as profiles write it */
	const char *operation; /* in a few words */
	caps_try_fn *try;      /* NULL: not tried, and `reason` says why */
	int past;              /* errno that comes behind the check: the arguments are made so that nothing happens */
	bool initial;          /* asked for in the initial user namespace: of no use in another */
	const char *reason;
};

/* By the capability's number. */
extern const struct caps_trial caps_trials[CAPS_COUNT];

#endif
