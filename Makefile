# Everything is made below $(BUILD); nothing there is ever committed. `make help` says what there is to make.
#
#	make CC=clang BUILD=build/clang		with another compiler, beside the first
#	make SANITIZE=1				with AddressSanitizer and UBSan, in build/asan
#	make V=1				and show every command
#
#h make            builds $(BUILD)/sandbox
#h make demo       installs what the build needs, builds, prepares a root file system, runs a small job in it
#h make check      installs what the tests need, builds, runs every test, prints the sum
#h make unit, func, attack, fault, profiles, lint    one suite of tests
#h make check-profiles     the tests of all shipped profiles, those too whose programs are large: installs a gigabyte
#h                         (ONLY=large: those alone)
#h make fuzz, bench, vm                    what takes longer: fuzzers, benchmark, other kernels
#h make readme     makes what the README shows of the code anew: the picture of the stages, the table of profiles
#h make rootfs     prepares the root file system of profiles/alpine.conf    (ROOTFS=directory)
#h make install, uninstall                 (DESTDIR= PREFIX=/usr/local)
#h make dist       a source archive;  make clean  removes everything made
#h variables: CC CFLAGS BUILD SANITIZE=1 V=1

VERSION = 0.1.0
SANITIZE ?= 0
V ?= 0
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
ROOTFS ?= /var/lib/sandbox/alpine
ROOTFS_DEBIAN ?= /var/lib/sandbox/debian
ifeq ($(SANITIZE),1)
BUILD ?= build/asan
else
BUILD ?= build
endif
CFLAGS ?= -O2 -g

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:
quiet = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(patsubst $(BUILD)/%,%,$@)';)

# ---- the compiler ----------------------------------------------------------------------------------------------

WARNINGS = -Wall -Wextra -Werror -Wformat=2 -Wconversion -Wno-sign-conversion -Wshadow -Wcast-qual -Wwrite-strings \
	-Wundef -Wvla -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough \
	$(call option,-Wtrampolines) $(call option,-Wbidi-chars=any) $(call option,-Wlogical-op) \
	$(call option,-Wduplicated-cond)

# The OpenSSF compiler options hardening guide for C, except: -fexceptions (no C++ calls us), -Wl,-z,nodlopen (for
# libraries). Options that only some compilers have are tried; tests/lint/hardening looks at what came out.
HARDENING = -fstack-protector-strong $(call option,-fstack-clash-protection) -fPIE \
	-fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing \
	$(call option,-ftrivial-auto-var-init=zero) $(call option,-fstrict-flex-arrays=3) \
	$(call option,-fcf-protection=full) $(call option,-mbranch-protection=standard)
ifeq ($(SANITIZE),1)
HARDENING += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else
HARDENING += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
endif
LINKING = -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code -Wl,--as-needed

# $(call option,FLAG) is FLAG if the compiler has it. Asked once for each flag and compiler; the answer is kept, unless
# there is no compiler yet (make demo installs one).
option = $(if $(wildcard $(BUILD)/.options/$(CC)$(1).yes),$(1),$(if $(wildcard $(BUILD)/.options/$(CC)$(1).no),,$(shell \
	mkdir -p '$(dir $(BUILD)/.options/$(CC)$(1))'; \
	if echo 'int x;' | $(CC) -Werror $(1) -c -x c - -o /dev/null 2>/dev/null; \
	then touch '$(BUILD)/.options/$(CC)$(1).yes'; echo '$(1)'; \
	elif echo 'int x;' | $(CC) -c -x c - -o /dev/null 2>/dev/null; then touch '$(BUILD)/.options/$(CC)$(1).no'; fi)))

# Our libraries are linked statically wherever the distribution has them so: it saves half a millisecond a start.
library = $(if $(filter /%,$(shell $(CC) -print-file-name=lib$(1).a)),-l:lib$(1).a,-l$(1))
LIBRARIES = $(foreach name,config cap json-c nl-3,$(call library,$(name)))

INCLUDES := $(addprefix -isystem ,$(wildcard /usr/include/libnl3))
COMPILE := $(CC) -std=gnu11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DPROFILE_DIR='"$(DATADIR)/sandbox/profiles"' \
	-Isrc -I$(BUILD) $(INCLUDES) $(WARNINGS) $(HARDENING) $(CFLAGS) $(CPPFLAGS)
LINK = $(CC) $(HARDENING) $(CFLAGS) $(LDFLAGS) $(LINKING)

# ---- sources ---------------------------------------------------------------------------------------------------

SOURCES := $(wildcard src/*.c src/*/*.c)
GENERATED := $(foreach name,schema options syscalls,$(BUILD)/gen/$(name).c)
OBJECTS := $(patsubst src/%.c,$(BUILD)/obj/%.o,$(filter-out src/main.c,$(SOURCES))) \
	$(patsubst $(BUILD)/gen/%.c,$(BUILD)/obj/gen/%.o,$(GENERATED))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))

.PHONY: all
all: $(BUILD)/sandbox

$(BUILD)/sandbox: $(BUILD)/obj/main.o $(BUILD)/obj/gen/filters.o $(BUILD)/libsandbox.a
	$(call quiet,LD)$(LINK) -o $@.new $^ $(LIBRARIES) && mv $@.new $@

$(BUILD)/libsandbox.a: $(OBJECTS)
	$(call quiet,AR)rm -f $@ && $(AR) rcs $@ $^

# Any object may include what is generated: that comes first. Which do, and must follow it, the .d files know.
$(BUILD)/obj/%.o: src/%.c $(BUILD)/.command | $(BUILD)/gen/.made
	@mkdir -p $(@D)
	$(call quiet,CC)$(COMPILE) -MMD -MP -c $< -o $@

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c $(BUILD)/.command
	@mkdir -p $(@D)
	$(call quiet,CC)$(COMPILE) -MMD -MP -c $< -o $@

# Everything is compiled anew when the compiler or its options change.
$(BUILD)/.command: FORCE
	@mkdir -p $(@D); echo '$(subst ','\'',$(COMPILE))' | cmp -s - $@ || echo '$(subst ','\'',$(COMPILE))' >$@
.PHONY: FORCE

# Generators exit without freeing.
GENERATOR = $(if $(filter 1,$(SANITIZE)),ASAN_OPTIONS=detect_leaks=0 )

# ---- what is made of schema/: tables of keys, options and system calls, the references of the manual, completion ------

MKSCHEMA := $(wildcard schema/mkschema*.c) src/base/parse.c
MKSYSCALLS := $(wildcard schema/mksyscalls*.c)
SYSCALL_SCHEMAS := $(patsubst %,schema/syscall-%.schema,numbers arguments sets)
FILTER_SOURCES := $(wildcard src/stage/seccomp*.[ch])

$(BUILD)/mkschema: $(MKSCHEMA) $(wildcard schema/*.h src/base/*.h) $(BUILD)/.command
	$(call quiet,CC)$(COMPILE) -Ischema $(LINKING) -o $@ $(MKSCHEMA) $(call library,config) $(call library,json-c)

$(BUILD)/mksyscalls: $(MKSYSCALLS) $(wildcard schema/*.h) $(BUILD)/.command
	$(call quiet,CC)$(COMPILE) -Ischema $(LINKING) -o $@ $(MKSYSCALLS) $(call library,config) $(call library,seccomp)

$(BUILD)/gen/.keys: $(BUILD)/mkschema schema/profile.schema schema/options.schema profiles/default.conf
	@mkdir -p $(@D)
	$(call quiet,GEN)$(GENERATOR)$(filter-out %/.keys,$^) $(@D) && touch $@

# The filters' own sources are named for the version that cached filters carry.
$(BUILD)/gen/.syscalls: $(BUILD)/mksyscalls $(SYSCALL_SCHEMAS) $(FILTER_SOURCES)
	@mkdir -p $(@D)
	$(call quiet,GEN)$(GENERATOR)$(BUILD)/mksyscalls $(addprefix $(@D)/,syscalls.h syscalls.c syscall-sets.mdoc) \
		$(SYSCALL_SCHEMAS) $(FILTER_SOURCES) && touch $@

$(BUILD)/gen/%.c $(BUILD)/gen/%.h: $(BUILD)/gen/.made ;

$(BUILD)/gen/.made: $(BUILD)/gen/.keys $(BUILD)/gen/.syscalls
	@touch $@

# Filters of the shipped profiles, compiled by the launcher's own code: mkfilters has an empty table in this one's place.
$(BUILD)/mkfilters: schema/mkfilters.c $(BUILD)/libsandbox.a $(BUILD)/.command
	$(call quiet,CC)$(COMPILE) -MMD -MP $(LINKING) -o $@ $< $(BUILD)/libsandbox.a $(LIBRARIES)

$(BUILD)/gen/filters.c: $(BUILD)/mkfilters $(wildcard profiles/*.conf)
	$(call quiet,GEN)$(GENERATOR)$(BUILD)/mkfilters $@ $(wildcard profiles/*.conf)

# What the README shows of the code. Committed, because it is read where nothing is built; tests/func/readme.bats makes
# both anew and compares.
$(BUILD)/mkpipeline: schema/mkpipeline.c $(BUILD)/obj/gen/filters.o $(BUILD)/libsandbox.a $(BUILD)/.command
	$(call quiet,CC)$(COMPILE) -MMD -MP $(LINKING) -o $@ $< $(BUILD)/obj/gen/filters.o $(BUILD)/libsandbox.a $(LIBRARIES)

# The checks of the audit with their weights, for the manual.
$(BUILD)/mkaudit: schema/mkaudit.c $(BUILD)/obj/gen/filters.o $(BUILD)/libsandbox.a $(BUILD)/.command
	$(call quiet,CC)$(COMPILE) -MMD -MP $(LINKING) -o $@ $< $(BUILD)/obj/gen/filters.o $(BUILD)/libsandbox.a $(LIBRARIES)

$(BUILD)/gen/audit-checks.mdoc: $(BUILD)/mkaudit
	$(call quiet,GEN)$(GENERATOR)$< >$@.new && mv $@.new $@

$(BUILD)/man/sandbox-security.7: $(BUILD)/gen/audit-checks.mdoc

.PHONY: pictures readme
pictures: $(BUILD)/mkpipeline
	$(GENERATOR)$< src/stage >$(BUILD)/pipeline.svg && mv $(BUILD)/pipeline.svg man/pipeline.svg
readme: pictures $(BUILD)/sandbox
	profiles/mktable $(BUILD)/sandbox README.md

-include $(wildcard $(BUILD)/mkfilters.d $(BUILD)/mkpipeline.d $(BUILD)/obj/*.d $(BUILD)/obj/*/*.d $(BUILD)/tests/*.d)

# ---- tests ---------------------------------------------------------------------------------------------------------

export RESULTS := $(abspath $(BUILD)/results)
export SANDBOX := $(abspath $(BUILD)/sandbox)
export INJECT := $(abspath $(BUILD)/tests/inject)
export MKPIPELINE := $(abspath $(BUILD)/mkpipeline)
export SANDBOX_ROOTFS := $(ROOTFS)
export SANDBOX_ROOTFS_DEBIAN := $(ROOTFS_DEBIAN)
BATS = tests/lib/reachable bats --formatter tap --print-output-on-failure
SUITES = lint unit func attack fault profiles

$(BUILD)/tests/%: tests/unit/%.c $(BUILD)/obj/gen/filters.o $(BUILD)/libsandbox.a $(BUILD)/.command
	@mkdir -p $(@D)
	$(call quiet,CC)$(COMPILE) -MMD -MP $(LINKING) -o $@ $< $(BUILD)/obj/gen/filters.o $(BUILD)/libsandbox.a $(LIBRARIES) -lcmocka

$(BUILD)/tests/inject: tests/fault/inject.c $(BUILD)/.command
	@mkdir -p $(@D)
	$(call quiet,CC)$(COMPILE) $(LINKING) -o $@ $<

.PHONY: check $(SUITES) test-deps
# Every suite runs, whatever became of the one before; the last line is the sum. A make of its own, as for demo below.
check: test-deps rootfs rootfs-debian
	@$(MAKE) --no-print-directory all $(UNIT_TESTS)
	@rm -f $(RESULTS)/*
	@for suite in $(SUITES); do $(MAKE) --no-print-directory $$suite || :; done; tests/lib/tally $(addprefix $(RESULTS)/,$(SUITES))

test-deps:
	@tests/lib/deps build rootfs lint test
unit: $(UNIT_TESTS)
	@tests/lib/suite $@ tests/lib/unit $^
lint: all
	@tests/lib/suite $@ tests/lint/run
# The leak checker stops a process that another one traces, as many tests do; the unit tests have it on.
func attack fault: export ASAN_OPTIONS := detect_leaks=0
func: manuals completions
func attack fault: all $(BUILD)/tests/inject $(BUILD)/mkpipeline
	@tests/lib/suite $@ $(BATS) tests/$@


# Every test file of a profile installs the programs that it runs. Those of a large program carry the tag; ONLY=large runs
# what `make check` has not.
.PHONY: check-profiles
profiles: all
	@tests/lib/suite $@ $(BATS) --filter-tags '!large' tests/profiles
check-profiles: test-deps
	@$(MAKE) --no-print-directory all
	@tests/lib/suite $@ $(BATS) $(addprefix --filter-tags ,$(ONLY)) tests/profiles

# What says nothing before it is over has a limit of its own.
.PHONY: fuzz bench vm
vm: export SUITE_STILL ?= 7200
fuzz: export SUITE_STILL ?= $(shell expr $(or $(FUZZ_SECONDS),60) + 600)
fuzz:
	@tests/lib/deps build lint
	@tests/lib/suite $@ tests/fuzz/run $(FUZZ_SECONDS)
bench: all
	@tests/lib/deps bench
	@tests/bench/launch
	@tests/bench/network
vm: all
	@tests/lib/deps vm
	@tests/lib/suite $@ tests/vm/run $(VM_TESTS)

# ---- first steps ---------------------------------------------------------------------------------------------------

.PHONY: demo deps rootfs rootfs-debian
deps:
	@tests/lib/deps build rootfs
rootfs:
	@profiles/mkrootfs $(ROOTFS)
rootfs-debian:
	@profiles/mkrootfs $(ROOTFS_DEBIAN) debian

# The dependencies come first, and a make of its own after them: what make found out about the compiler before is stale.
demo: deps
	@$(MAKE) --no-print-directory all rootfs
	@echo "demo: $(BUILD)/sandbox -p profiles/alpine.conf -- sh -c ..."
	@$(BUILD)/sandbox -p profiles/alpine.conf -D root=$(ROOTFS) -- sh -c '$(demo)'

define demo
id; echo "host name: $$(hostname)"; echo "processes:"; ps; echo "mounts:"; mount; echo "network:"; ip addr; \
echo "a small job:"; seq 1 200000 | awk "{ sum += \$$1 } END { print \"the sum of 1 to 200000 is\", sum }"; \
echo x 2>/dev/null >/etc/passwd || echo "/etc/passwd stays as it is"
endef

# ---- installation --------------------------------------------------------------------------------------------------

MANUALS := $(patsubst man/%,$(BUILD)/man/%,$(wildcard man/*.[1-9]))

# What each shell loads: a line @FILE@ becomes what is in that file, of the schema or of completion/.
COMPLETIONS := $(patsubst %,$(BUILD)/completion/%,sandbox.bash _sandbox sandbox.fish)
include_line = awk -v quoted='$(2)' '{ file = "$(1)/" substr($$0, 2, length($$0) - 2) } \
	/^@[a-z.]*@$$/ { while ((got = getline line <file) > 0) { if (quoted) gsub(/[\\\047]/, "\\\\&", line); print line } \
		if (got < 0) exit 1; next } \
	{ gsub(/@profiles@/, "$(DATADIR)/sandbox/profiles"); print }'

# The sets of system calls, and the first sentence of what each is.
$(BUILD)/gen/sets.tsv: schema/syscall-sets.schema $(BUILD)/gen/.made
	$(call quiet,GEN)awk -F '"' '/^{ name = "@/ { name = $$2 } name && /^ *doc = / { sub(/[.:] .*/, "", $$2); \
		print name "\t" $$2; name = "" }' $< >$@

$(BUILD)/completion/words.sh: completion/words.sh $(BUILD)/gen/sets.tsv $(BUILD)/gen/.made $(BUILD)/.command
	@mkdir -p $(@D)
	$(call quiet,GEN)$(call include_line,$(BUILD)/gen,) $< >$@

$(BUILD)/completion/%: completion/% $(BUILD)/completion/words.sh
	$(call quiet,GEN)$(call include_line,$(BUILD)/completion,$(filter %.fish,$@)) $< >$@

.PHONY: manuals completions install uninstall dist clean help
manuals: $(MANUALS)
completions: $(COMPLETIONS)

$(BUILD)/man/%: man/% man/mkpage $(BUILD)/gen/.made $(BUILD)/.command
	@mkdir -p $(@D)
	$(call quiet,MAN)man/mkpage $< $(BUILD)/gen $(DATADIR)/sandbox/profiles >$@

MAN_DIRS = $(sort $(patsubst .%,$(MANDIR)/man%,$(suffix $(MANUALS))))
ZSH_DIR = $(DATADIR)/zsh/site-functions
FISH_DIR = $(DATADIR)/fish/vendor_completions.d
BASH_DIR = $(DATADIR)/bash-completion/completions

install: all manuals completions
	install -d $(addprefix $(DESTDIR),$(BINDIR) $(DATADIR)/sandbox/profiles $(MAN_DIRS) $(BASH_DIR) $(ZSH_DIR) $(FISH_DIR))
	install -m 0755 $(BUILD)/sandbox $(DESTDIR)$(BINDIR)/sandbox
	install -m 0644 profiles/*.conf $(DESTDIR)$(DATADIR)/sandbox/profiles
	install -m 0755 profiles/mkrootfs $(DESTDIR)$(DATADIR)/sandbox/mkrootfs
	sed 's,@BINDIR@,$(BINDIR),; s,@DATADIR@,$(DATADIR),' profiles/sandbox.apparmor >$(DESTDIR)$(DATADIR)/sandbox/sandbox.apparmor
	install -m 0644 $(BUILD)/gen/example.conf $(BUILD)/gen/profile.schema.json schema/verdict.schema.json \
		$(DESTDIR)$(DATADIR)/sandbox
	for page in $(MANUALS); do install -m 0644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.} || exit; done
	install -m 0644 $(BUILD)/completion/sandbox.bash $(DESTDIR)$(BASH_DIR)/sandbox
	install -m 0644 $(BUILD)/completion/_sandbox $(DESTDIR)$(ZSH_DIR)/_sandbox
	install -m 0644 $(BUILD)/completion/sandbox.fish $(DESTDIR)$(FISH_DIR)/sandbox.fish
uninstall:
	rm -f $(addprefix $(DESTDIR),$(BINDIR)/sandbox $(BASH_DIR)/sandbox $(ZSH_DIR)/_sandbox $(FISH_DIR)/sandbox.fish) \
		$(foreach page,$(MANUALS),$(DESTDIR)$(MANDIR)/man$(patsubst .%,%,$(suffix $(page)))/$(notdir $(page)))
	rm -rf $(DESTDIR)$(DATADIR)/sandbox

dist:
	@mkdir -p $(BUILD)
	git archive --format=tar.gz --prefix=sandbox-$(VERSION)/ -o $(BUILD)/sandbox-$(VERSION).tar.gz HEAD
clean:
	rm -rf $(BUILD)

help:
	@sed -n 's/^#h //p' Makefile | sed 's,$$(BUILD),$(BUILD),'
