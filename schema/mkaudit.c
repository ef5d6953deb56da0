/* mkaudit: the checks of `sandbox audit` as a list for the manual.
 *
 *	mkaudit >audit-checks.mdoc
 *
 * Linked with the launcher's own objects, so that the manual cannot give another weight than the program.
 */
#include <stdio.h>

#include "tell/audit.h"

int main(void)
{
	printf(".Bl -tag -width indent\n");
	for (const struct audit_table *const *table = audit_tables; *table; table++)
		for (size_t i = 0; i < (*table)->count; i++) {
			const struct audit_check *check = &(*table)->checks[i];

			printf(".It Sy %s , No %.1f , Ic %s\n%s\n", check->id, check->weight, keys[check->key].path,
			       check->why);
		}
	printf(".El\n");
	return fflush(stdout) ? 1 : 0;
}
