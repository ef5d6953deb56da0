/* child: the mark of code that runs between clone and exec.
 *
 * After clone the child is a copy of the launcher that may share locks and buffers with nobody: its code calls only
 * other CHILD functions and the plain wrappers named in tests/lint/child-calls.allow. CHILD puts the function into a
 * section of its own, whose relocations tests/lint/child-calls checks; the same function may be called in the parent.
 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#define CHILD __attribute__((section(".text.child")))

#endif
