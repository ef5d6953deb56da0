/* json: what several answers in JSON are made of (json-c). Parent only. */
#ifndef RUN_JSON_H
#define RUN_JSON_H

#include <json-c/json.h>
#include <stdint.h>

/* A string; its bytes that are no UTF-8 as \xNN. null when `text` is NULL or empty. */
struct json_object *json_text(const char *text);

/* Each adds a member. A number that is negative is one that is not known: null. */
void json_add_text(struct json_object *object, const char *name, const char *text);
void json_add_number(struct json_object *object, const char *name, int64_t number);

#endif
