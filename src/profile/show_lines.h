/* show_lines: breaks the lines of a shown profile. Parent only. */
#ifndef PROFILE_SHOW_LINES_H
#define PROFILE_SHOW_LINES_H

struct text;

/* Adds the lines of `text`, settings in libconfig's syntax, to `out`, none of them wider than a page; what they say is
 * the same. */
void show_lines(const struct text *text, struct text *out);

#endif
