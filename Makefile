# wrenn-events. `make help` lists the targets.

FLAVOUR ?= release
comma := ,

# tools/floors is the table of folders. below_X: the folders that X may lean on; its tests link these and itself.
FLOORS := $(shell awk '/^[0-9]/ { if ($$1 != floor) { floor = $$1; below = all } print $$2 "=" below; all = all "," $$2 }' tools/floors)
MODULES := $(foreach f,$(FLOORS),$(firstword $(subst =, ,$(f))))
$(foreach f,$(FLOORS),$(eval below_$(firstword $(subst =, ,$(f))) := $(subst $(comma), ,$(word 2,$(subst =, ,$(f))))))

B := build/$(FLAVOUR)

CC_release := gcc
CC_clang   := clang
CC_asan    := gcc
CC_tsan    := clang
CC_fuzz    := clang
CC         := $(CC_$(FLAVOUR))

HARDENED := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection
FLAGS_release := -O2 $(HARDENED)
FLAGS_clang   := -O2 $(HARDENED)
# Line numbers are all that a report shows of the debugging information.
FLAGS_asan    := -g1 -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_tsan    := -O1 -fno-omit-frame-pointer -fsanitize=thread
FLAGS_fuzz    := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

# llhttp: Debian 12 ships its C sources in node-llhttp, later releases a library.
LLHTTP_DIR := /usr/share/llhttp
ifeq ($(wildcard $(LLHTTP_DIR)/llhttp.c),)
LLHTTP_LIBS := -lllhttp
else
LLHTTP_OBJS := $(patsubst $(LLHTTP_DIR)/%.c,$(B)/llhttp/%.o,$(LLHTTP_DIR)/llhttp.c $(LLHTTP_DIR)/api.c $(LLHTTP_DIR)/http.c)
LLHTTP_CPPFLAGS := -isystem /usr/share/include/llhttp -DLLHTTP_STRICT_MODE=1
endif

PACKAGES := libuv libcurl hiredis libcjson openssl sqlite3 libpq libutf8proc
CPPFLAGS := -I. -D_GNU_SOURCE $(LLHTTP_CPPFLAGS) $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null | sed 's/-I/-isystem /g')
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Werror
CFLAGS   := -std=gnu17 -g $(WARNINGS) -fPIE $(FLAGS_$(FLAVOUR))
SANITIZE := $(filter -fsanitize%,$(subst fuzzer-no-link$(comma),,$(FLAGS_$(FLAVOUR))))
LDFLAGS  := -pie -Wl,-z,relro,-z,now,-z,noexecstack $(SANITIZE)
LDLIBS   := $(LLHTTP_LIBS) $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lm -lpthread

# libsystemd is optional. The stamp rebuilds its one object when it comes or goes.
WITH_SYSTEMD := $(if $(shell pkg-config --exists libsystemd 2>/dev/null && echo yes),with,without)
ifeq ($(WITH_SYSTEMD),with)
LDLIBS += $(shell pkg-config --libs libsystemd)
$(B)/app/systemd.o: CPPFLAGS += -DWITH_SYSTEMD $(shell pkg-config --cflags libsystemd | sed 's/-I/-isystem /g')
endif
$(B)/app/systemd.o: build/$(WITH_SYSTEMD)-systemd
build/$(WITH_SYSTEMD)-systemd:
	@mkdir -p $(@D)
	@rm -f build/with-systemd build/without-systemd
	@touch $@

sources = $(wildcard $(1)/*.c)
objects = $(patsubst %.c,$(B)/%.o,$(call sources,$(1)))
archive = $(B)/lib/$(1).a

# Short lines; V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDARY:

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' Makefile

build: $(B)/wrenn-events ## the program, as build/release/wrenn-events

$(B)/wrenn-events: $(B)/app/main.o $(foreach m,$(MODULES),$(call archive,$(m))) $(LLHTTP_OBJS)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LLHTTP_OBJS) $(LDLIBS)

define module_archive
$(B)/lib/$(1).a: $(filter-out $(B)/app/main.o,$(call objects,$(1))) $(if $(filter app,$(1)),$(B)/console/assets.o)
	@mkdir -p $$(@D)
	@rm -f $$@
	$(Q)ar rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module_archive,$(m))))

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Generated code of a library: hardened like ours, judged by its own warnings. The Makefile says how
# strict it is.
$(B)/llhttp/%.o: $(LLHTTP_DIR)/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(filter-out $(WARNINGS),$(CFLAGS)) -c -o $@ $<

# The schema is embedded, so it is a source of this object.
$(B)/store/schema.o: $(wildcard store/schema/*.sql)
$(B)/app/openapi.o: docs/openapi.yaml

# The console's files and npm packages, as one object of app/. npm keeps the old times of its files, so the marker of
# tools/install-packages says when they came.
CONSOLE_SOURCES := $(wildcard $(addprefix console/,$(shell awk '!/^#/ { print $$2 }' console/assets.txt)) console/node_modules/.installed)
build/console/assets.c: console/assets.txt tools/embed-console $(CONSOLE_SOURCES)
	$(call say,PACK,$@)
	$(Q)tools/embed-console build/console
$(B)/console/assets.o: build/console/assets.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

c_files := $(foreach m,$(MODULES),$(wildcard $(m)/*.c)) $(wildcard tests/*/*.c tests/unit/*/*.c tools/*.c)
h_files := $(foreach m,$(MODULES),$(wildcard $(m)/*.h)) $(wildcard tests/*/*.h tests/unit/*/*.h)

# ---- tests ------------------------------------------------------------------------------

# tests/support/heap.c can make an allocation of our own code fail, call_fault.c a call of the store or Redis, or a statement.
# clock_by_hand.c holds the monotonic clock.
WRAPPED := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=store_write,--wrap=store_read,--wrap=db_run,--wrap=db_run_now,--wrap=redis_commands_send,--wrap=clock_mono_ms

TESTED := $(foreach m,$(MODULES),$(if $(wildcard tests/unit/$(m)/*.c),$(m)))

# The tests of these drive the whole service through tests/support/rig.c, so they link all of it.
WITH_RIG := $(filter ledger delivery channels views,$(MODULES))
linked_by = $(1) $(below_$(1)) $(if $(filter $(1),$(WITH_RIG)),$(filter-out $(1) $(below_$(1)),$(WITH_RIG)))

# An archive, so that a test links only what it uses; and the deadline, which nobody calls.
DEADLINE := $(B)/tests/support/deadline.o
$(B)/lib/tests.a: $(filter-out $(DEADLINE),$(call objects,tests/support))
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)ar rcs $@ $^

define unit_binary
$(B)/tests/$(1): $(call objects,tests/unit/$(1)) $(DEADLINE) $(B)/lib/tests.a $(foreach m,$(call linked_by,$(1)),$(call archive,$(m))) $(LLHTTP_OBJS)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$(Q)$(CC) $(LDFLAGS) $(WRAPPED) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $(LDLIBS) -lcriterion

unit-$(1): $(B)/tests/$(1)
	tests/support/with-services tests/support/run-unit $(FLAVOUR) $(B)/tests/$(1)
endef
$(foreach m,$(MODULES),$(eval $(call unit_binary,$(m))))

unit-binaries: $(foreach m,$(TESTED),$(B)/tests/$(m))

unit: unit-binaries ## unit tests of every module (one: make unit-core)
	tests/support/with-services tests/support/run-unit $(FLAVOUR) $(foreach m,$(TESTED),$(B)/tests/$(m))

# The tests that let every allocation fail in turn, one suite of this name in each folder.
fault: ## every allocation fails in turn, under the sanitizers
	@$(MAKE) --no-print-directory -j2 FLAVOUR=asan unit-binaries
	tests/support/with-services tests/support/run-unit asan --filter 'fault/*' $(foreach m,$(TESTED),build/asan/tests/$(m))

# ---- the two commands of the README ------------------------------------------------------

run: ## install what is missing, build, and run it all on this machine
	@tools/install-packages build run console
	@$(MAKE) --no-print-directory -j"$$(nproc)" build
	@tools/run build/release/wrenn-events

test: ## install what is missing, build, unit and integration tests
	@tools/install-packages build run console test
	@$(MAKE) --no-print-directory -j"$$(nproc)" build unit-binaries
	@$(MAKE) --no-print-directory -j2 unit integration

# ---- the rest --------------------------------------------------------------------------

integration: build ## the whole program against real Redis, SQLite, PostgreSQL
	tests/support/run-integration $(FLAVOUR) $(PYTEST_ARGS)

# Each integration test runs under the sanitizers, or without them if it is marked plain_only, or both ways if it is marked plain_too:
# tests/integration/pytest.ini. `make test` runs all without.
# Installing, linting and testing wait half of the time. So the compiler works beside the installation, and the tests run beside
# each other and beside clang and clang-tidy.
check: ## everything a merge needs: lint, both compilers, all tests, sanitizers
	@tools/install-packages build
	@$(MAKE) --no-print-directory -j3 check-packages objects
	@$(MAKE) --no-print-directory -j2 build
	@$(MAKE) --no-print-directory -j2 lint-format lint-tree lint-console lint-cppcheck
	@$(MAKE) --no-print-directory -j2 FLAVOUR=asan build unit-binaries
	@$(MAKE) --no-print-directory -j4 check-unit check-asan check-plain clang-and-tidy build-on-trixie

check-packages:
	@tools/install-packages build run console test lint

# All that the program is made of, except the console, whose files come with the packages.
objects: $(foreach m,$(MODULES),$(call objects,$(m))) $(LLHTTP_OBJS)

check-unit:
	@$(MAKE) --no-print-directory FLAVOUR=asan unit

check-asan:
	@$(MAKE) --no-print-directory FLAVOUR=asan asan-integration

check-plain:
	@$(MAKE) --no-print-directory integration PYTEST_ARGS="-m 'plain_only or plain_too'"

# Only computes, so it runs beside the tests and gives way to them.
clang-and-tidy:
	@mkdir -p build
	@echo "clang and clang-tidy beside the tests: build/clang-and-tidy.log"
	@nice -n 19 $(MAKE) --no-print-directory -k -j2 FLAVOUR=clang build read-tests lint-tidy \
		>build/clang-and-tidy.log 2>&1 || { cat build/clang-and-tidy.log >&2; exit 1; }

# Where debootstrap is installed. A minute of processor time for the first one, less with its ccache.
build-on-trixie:
	@nice -n 19 tools/build-on-trixie

# Nobody runs the tests that clang builds, so it only reads them, for its warnings.
read-tests: $(patsubst %.c,$(B)/%.ok,$(wildcard tests/support/*.c tests/unit/*/*.c))

$(B)/%.ok: %.c $(h_files)
	@mkdir -p $(@D)
	$(call say,READ,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fsyntax-only $<
	@touch $@

asan: ## unit and integration tests under the address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory -j2 FLAVOUR=asan unit asan-integration

# Beside the unit tests, which leave it half of the time: it waits more than it computes.
asan-integration: build
	tests/support/run-integration asan -m 'not plain_only'

tsan: ## the program under the thread sanitizer, driven by integration tests
	@tools/install-packages build run test lint
	@$(MAKE) --no-print-directory FLAVOUR=tsan integration PYTEST_ARGS="-k 'test_spine or test_outage or two_workers'"

fmt: ## format every C file
	$(call say,FMT,"$(words $(c_files) $(h_files)) files")
	$(Q)clang-format -i $(sort $(c_files) $(h_files))

lint: lint-format lint-tree lint-console lint-cppcheck lint-tidy ## formatting, floors and circles, the console, cppcheck, clang-tidy

lint-format:
	$(call say,FMT,"$(words $(c_files) $(h_files)) files")
	$(Q)clang-format --dry-run -Werror $(sort $(c_files) $(h_files))

# The circles are found in the object files.
lint-tree: $(foreach m,$(MODULES),$(patsubst %.c,build/release/%.o,$(call sources,$(m))))
	/usr/bin/python3 tools/check-tree

lint-console:
	tools/lint-console

lint-cppcheck:
	$(call say,CPPC,"$(words $(MODULES)) folders")
	$(Q)cppcheck --quiet --error-exitcode=1 --std=c11 -j2 --inline-suppr --library=posix \
		--enable=warning,performance,portability --suppressions-list=tools/cppcheck.txt \
		-I. $(foreach m,$(MODULES),$(m))

# The analyzer gives a function up after so many states. Its default is 225,000; a few functions with loops reach it and
# took two thirds of the time, without a finding of their own.
TIDY_STATES := 60000

# A stamp per file, so that only what changed is looked at again.
tidy_stamps := $(patsubst %.c,build/tidy/%.ok,$(foreach m,$(MODULES),$(wildcard $(m)/*.c)))
lint-tidy: $(tidy_stamps)

build/tidy/%.ok: %.c .clang-tidy $(h_files)
	@mkdir -p $(@D)
	$(call say,TIDY,$<)
	$(Q)clang-tidy --quiet $< -- $(CPPFLAGS) -std=gnu17 -Xclang -analyzer-config -Xclang max-nodes=$(TIDY_STATES) 2>/dev/null
	@touch $@

fuzz_names := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 60

build/fuzz/run/%: build/fuzz/tests/fuzz/fuzz_%.o $(foreach m,$(filter-out app,$(MODULES)),build/fuzz/lib/$(m).a) $(LLHTTP_OBJS)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)clang $(LDFLAGS) -fsanitize=fuzzer -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LLHTTP_OBJS) $(LDLIBS)

fuzz-all: $(foreach f,$(fuzz_names),build/fuzz/run/$(f))
	@for f in $(fuzz_names); do \
		echo "== fuzzing $$f for $(FUZZ_SECONDS) s"; mkdir -p build/fuzz/corpus/$$f; \
		build/fuzz/run/$$f -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -verbosity=0 \
			-artifact_prefix=build/fuzz/$$f- build/fuzz/corpus/$$f $(wildcard tests/fuzz/seeds) || exit 1; \
	done

fuzz: ## each fuzz target for a minute (FUZZ_SECONDS=60)
	@tools/install-packages build lint
	@$(MAKE) --no-print-directory -j2 FLAVOUR=fuzz fuzz-all

BENCH_TOOLS := $(addprefix build/release/tools/,bench_live bench_raw bench_sink bench_post)
bench: ## measure, beside the least that could be done (docs/performance.md)
	@tools/install-packages build run console test
	@$(MAKE) --no-print-directory build $(BENCH_TOOLS)
	@/usr/bin/python3 tools/bench

build/release/tools/bench_live: build/release/tools/bench_streams.o build/release/tools/bench_publish.o
$(BENCH_TOOLS): %: %.o build/release/lib/core.a
	$(call say,LD,$@)
	$(Q)gcc $(LDFLAGS) -o $@ $^ $(LDLIBS)

manual: build/manual/wrenn-events.1 ## manual pages and shell completions, in build/manual
build/manual/wrenn-events.1: build/release/wrenn-events tools/manual docs/openapi.yaml
	$(call say,MAN,$(@D))
	$(Q)tools/manual $< $(@D)

PREFIX ?= /usr/local
share = $(DESTDIR)$(PREFIX)/share
install: build manual ## copy the program, its manual and its completions to $(PREFIX)
	install -D -m 755 build/release/wrenn-events $(DESTDIR)$(PREFIX)/bin/wrenn-events
	for n in 1 5 7; do install -D -m 644 -t $(share)/man/man$$n build/manual/*.$$n; done
	install -D -m 644 -t $(share)/bash-completion/completions build/manual/completions/wrenn-events
	install -D -m 644 -t $(share)/zsh/vendor-completions build/manual/completions/_wrenn-events
	install -D -m 644 -t $(share)/fish/vendor_completions.d build/manual/completions/wrenn-events.fish

version := $(shell sed -n 's/.*WRENN_EVENTS_VERSION "\(.*\)"/\1/p' core/version.h)
TARBALL := build/wrenn-events-$(version).tar
# Of npm's packages the files that the console is made of, their licences and the marker, so that a build needs no npm.
npm_files = $(wildcard console/node_modules/.installed) $(sort $(filter console/node_modules/%,$(CONSOLE_SOURCES)) \
	$(foreach p,$(shell sed -n 's|.* \(node_modules/\(@[^/]*/\)*[^/]*\)/.*|console/\1|p' console/assets.txt),$(wildcard $(p)/package.json $(p)/LICEN[CS]E*)))
dist: ## the committed sources and the console's npm files as build/wrenn-events-VERSION.tar.gz
	@tools/install-packages console
	@$(MAKE) --no-print-directory tarball

# By a make of its own: this one looked for npm's files before they were installed.
tarball:
	@mkdir -p build
	git archive --format=tar --prefix=wrenn-events-$(version)/ -o $(TARBALL) HEAD
	$(if $(npm_files),tar --append --file $(TARBALL) --owner=0 --group=0 --transform 's|^|wrenn-events-$(version)/|' $(npm_files))
	gzip -9nf $(TARBALL)

# In a tree without git, such as an unpacked tarball of `make dist`, the tree itself is what is packaged.
deb: ## the Debian package, in build/deb
	@tools/install-packages build console package
	@rm -rf build/deb
	@mkdir -p build/deb/wrenn-events
	@if [ -e .git ]; then $(MAKE) --no-print-directory dist && \
		tar -xzf build/wrenn-events-$(version).tar.gz --strip-components=1 -C build/deb/wrenn-events; \
	else tar -c --exclude=./build . | tar -x -C build/deb/wrenn-events; fi
	cd build/deb/wrenn-events && DEB_BUILD_OPTIONS="parallel=$$(nproc) $(DEB_BUILD_OPTIONS)" dpkg-buildpackage -b -us -uc
	lintian --fail-on error,warning --no-tag-display-limit build/deb/*.changes

clean: ## remove everything built
	rm -rf build

.PHONY: deb manual help build run test fault integration check check-packages check-unit check-asan check-plain objects asan asan-integration clang-and-tidy read-tests build-on-trixie tsan fmt lint lint-format lint-tree lint-console lint-cppcheck lint-tidy fuzz fuzz-all bench install dist tarball unit unit-binaries clean $(foreach m,$(MODULES),unit-$(m))

-include $(foreach m,$(MODULES),$(patsubst %.o,%.d,$(call objects,$(m)) $(call objects,tests/unit/$(m))))
-include $(patsubst %.o,%.d,$(call objects,tests/support))
-include $(wildcard build/fuzz/tests/fuzz/*.d build/release/tools/*.d)
