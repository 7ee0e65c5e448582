# wrenn-events. `make help` lists the targets.

MODULES := core config net providers store http bus audit auth channels sse app
FLAVOUR ?= release

# Which modules a module may lean on (docs/architecture.md); its tests link these and itself.
floor2 := core
floor3 := $(floor2) config net providers
floor4 := $(floor3) store http
floor5 := $(floor4) bus audit auth
floor7 := $(floor5) channels sse console
below_core      :=
below_config    := $(floor2)
below_net       := $(floor2)
below_providers := $(floor2)
below_store     := $(floor3)
below_http      := $(floor3)
below_bus       := $(floor4)
below_audit     := $(floor4)
below_auth      := $(floor4)
below_channels  := $(floor5)
below_sse       := $(floor5)
below_app       := $(filter $(MODULES),$(floor7))

comma := ,
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
FLAGS_asan    := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_tsan    := -O1 -fno-omit-frame-pointer -fsanitize=thread
FLAGS_fuzz    := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

# llhttp: Debian 12 ships its C sources in node-llhttp, later releases a library.
LLHTTP_DIR := /usr/share/llhttp
ifeq ($(wildcard $(LLHTTP_DIR)/llhttp.c),)
LLHTTP_LIBS := -lllhttp
else
LLHTTP_OBJS := $(patsubst $(LLHTTP_DIR)/%.c,$(B)/llhttp/%.o,$(LLHTTP_DIR)/llhttp.c $(LLHTTP_DIR)/api.c $(LLHTTP_DIR)/http.c)
LLHTTP_CPPFLAGS := -isystem /usr/share/include/llhttp
endif

PACKAGES := libuv libcurl hiredis libcjson openssl sqlite3 libpq
CPPFLAGS := -I. -D_GNU_SOURCE $(LLHTTP_CPPFLAGS) $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null | sed 's/-I/-isystem /g')
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Werror
CFLAGS   := -std=gnu17 -g $(WARNINGS) -fPIE $(FLAGS_$(FLAVOUR))
SANITIZE := $(filter -fsanitize%,$(subst fuzzer-no-link$(comma),,$(FLAGS_$(FLAVOUR))))
LDFLAGS  := -pie -Wl,-z,relro,-z,now,-z,noexecstack $(SANITIZE)
LDLIBS   := $(LLHTTP_LIBS) $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lm -lpthread

sources = $(wildcard $(1)/*.c)
objects = $(patsubst %.c,$(B)/%.o,$(call sources,$(1)))
archive = $(B)/lib/$(1).a

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDARY:

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' Makefile

build: $(B)/wrenn-events ## the program, as build/release/wrenn-events

$(B)/wrenn-events: $(B)/app/main.o $(foreach m,$(MODULES),$(call archive,$(m))) $(LLHTTP_OBJS)
	$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LLHTTP_OBJS) $(LDLIBS)

define module_archive
$(B)/lib/$(1).a: $(filter-out $(B)/app/main.o,$(call objects,$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module_archive,$(m))))

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Generated code of a library: hardened like ours, judged by its own warnings.
$(B)/llhttp/%.o: $(LLHTTP_DIR)/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out $(WARNINGS),$(CFLAGS)) -c -o $@ $<

# The schema is embedded, so it is a source of this object.
$(B)/store/schema.o: $(wildcard store/schema/*.sql)

# ---- tests ------------------------------------------------------------------------------

TESTED := $(foreach m,$(MODULES),$(if $(wildcard tests/unit/$(m)/*.c),$(m)))

define unit_binary
$(B)/tests/$(1): $(call objects,tests/unit/$(1)) $(call objects,tests/support) $(foreach m,$(1) $(below_$(1)),$(call archive,$(m))) $(LLHTTP_OBJS)
	@mkdir -p $$(@D)
	$(CC) $(LDFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $(LDLIBS) -lcriterion

unit-$(1): $(B)/tests/$(1)
	tests/support/with-services tests/support/run-unit $(FLAVOUR) $(B)/tests/$(1)
endef
$(foreach m,$(MODULES),$(eval $(call unit_binary,$(m))))

unit-binaries: $(foreach m,$(TESTED),$(B)/tests/$(m))

unit: unit-binaries ## unit tests of every module (one: make unit-core)
	tests/support/with-services tests/support/run-unit $(FLAVOUR) $(foreach m,$(TESTED),$(B)/tests/$(m))

clean: ## remove everything built
	rm -rf build

.PHONY: help build unit unit-binaries clean $(foreach m,$(MODULES),unit-$(m))

-include $(foreach m,$(MODULES),$(patsubst %.o,%.d,$(call objects,$(m)) $(call objects,tests/unit/$(m))))
-include $(patsubst %.o,%.d,$(call objects,tests/support))
