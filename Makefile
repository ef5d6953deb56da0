# Provisional: replaced by the real one.
CC ?= gcc
CFLAGS ?= -O2 -g
FLAGS = -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Isrc -Ibuild
SRC = $(wildcard src/*.c src/*/*.c)
OBJ = $(SRC:src/%.c=build/obj/%.o)
build/obj/%.o: src/%.c build/gen/keys.h
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(CFLAGS) -MMD -MP -c $< -o $@
build/sandbox: $(OBJ)
	$(CC) -o $@ $^ -Wl,-Bstatic -lconfig -lseccomp -lcap -ljson-c -Wl,-Bdynamic
-include $(OBJ:.o=.d)
