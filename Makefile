# SPDX-License-Identifier: MIT
# swapify-policy. `make` builds into $(B), nothing outside it is touched before `make install`.

VERSION := 0.1
B ?= build
prefix ?= /usr/local
sbindir ?= $(prefix)/sbin
mandir ?= $(prefix)/share/man
sysconfdir ?= $(if $(filter /usr /usr/local,$(prefix)),/etc,$(prefix)/etc)
unitdir ?= $(if $(filter /usr,$(prefix)),/lib/systemd/system,$(if $(filter /usr/local,$(prefix)),/etc/systemd/system,$(prefix)/lib/systemd/system))
DESTDIR ?=
INSTALL ?= install
# V=1 shows the commands
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $@)

# What a build and a test run need, as named in Debian 12 and 13
BUILD_PACKAGES := gcc libc6-dev make pkg-config libiniparser-dev libcap-ng-dev
TEST_PACKAGES := check libproc2-dev clang libclang-rt-14-dev,libclang-rt-19-dev mandoc man-db groff python3 systemd \
	systemd-container mmdebstrap util-linux procps e2fsprogs kmod busybox
LINT_PACKAGES := clang-format clang-tidy cppcheck shellcheck

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	-Wvla -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wimplicit-fallthrough $(if $(WERROR),-Werror)
HARDENING := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer,\
	$(if $(filter -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)) -fstack-protector-strong -fPIE
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DSYSCONFDIR='"$(sysconfdir)"' -Isrc \
	$(WARNINGS) $(HARDENING) $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)

objects = $(patsubst src/%.c,$(B)/obj/%.o,$(foreach dir,$(1),$(wildcard src/$(dir)/*.c)))

PROGRAMS := $(B)/swapify-policy

.PHONY: all deps deps-test run demo check check-unit check-sanitized check-static check-fuzz fuzz check-system \
	bench lint format install uninstall clean
.SECONDARY:

all: $(PROGRAMS)

$(B)/swapify-policy: $(call objects,base policy config sys backend daemon)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -liniparser -lcap-ng

$(B)/obj/%.o: src/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Changes when compiler or flags do, so that objects are made anew
$(B)/flags: FORCE
	@mkdir -p $(B)
	@echo '$(CC) $(subst ','\'',$(ALL_CFLAGS)) $(ALL_LDFLAGS)' | cmp -s - $@ || \
		echo '$(CC) $(subst ','\'',$(ALL_CFLAGS)) $(ALL_LDFLAGS)' > $@
FORCE:

# -- tests --------------------------------------------------------------------------------------
include tests/unit/tests.mk

UNIT_TESTS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c)) \
	$(patsubst tests/sim/%.c,%,$(wildcard tests/sim/sim_*.c))

$(B)/tests/test_%.o: tests/unit/test_%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests -Wno-missing-prototypes -MMD -MP -c -o $@ $<
$(B)/tests/sim_%.o: tests/sim/sim_%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests -Wno-missing-prototypes -MMD -MP -c -o $@ $<

# A unit test names every object it links: growth means a leak between the rooms
define unit_test
$(B)/tests/$(1): $(B)/tests/$(1).o $(patsubst %,$(B)/obj/%.o,$($(1)_OBJS))
	$$(call say,LD)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$($(1)_LIBS) -lcheck -lsubunit -lm -lrt -lpthread
endef
$(foreach test,$(UNIT_TESTS),$(eval $(call unit_test,$(test))))

-include $(shell find $(B) -name '*.d' 2>/dev/null)

check-unit: deps-test
	@$(MAKE) --no-print-directory B=$(B) unit-tests
	@tests/run-unit.sh $(B)/tests $(UNIT_TESTS)

.PHONY: unit-tests
unit-tests: $(UNIT_TESTS:%=$(B)/tests/%)

check-sanitized: deps-test
	@$(MAKE) --no-print-directory B=$(B)/sanitized SANITIZE=address,undefined check-unit

# What can be seen without running anything
check-static: all deps-test
	@tests/check-layers.sh
	@tests/check-docs.sh $(B)/swapify-policy
	@tests/check-man.sh
	@tests/check-unit-file.sh
	@$(MAKE) --no-print-directory -s B=$(B)/clang CC=clang WERROR=1 V=1 all
	@echo "clang: no warnings"

check-fuzz: deps-test
	@tests/fuzz/run.sh $(B)/fuzz corpus

# Looks for more, and keeps the inputs that reach something new
FUZZ_SECONDS ?= 60
fuzz: deps-test
	@tests/fuzz/run.sh $(B)/fuzz fuzz $(FUZZ_SECONDS)

check-system: all deps-test $(addprefix $(B)/tools/,holder crowd mapper churn trap)
	@tests/system/run.sh $(B)

$(B)/tools/%.so: tests/tools/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -shared -o $@ $<

$(B)/bench/engine: tests/bench/engine.c $(patsubst %,$(B)/obj/%.o,backend/advise sys/pagemap sys/procmadv \
		sys/regions sys/procfs sys/pidpin sys/clock base/num) $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter-out $(B)/flags,$^)

$(B)/tools/%: tests/tools/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $<

check: all
	@tests/run.sh $(B) check-static check-unit check-sanitized check-fuzz check-system

run: all
	$(B)/swapify-policy --once -n -v

demo: deps
	@$(MAKE) --no-print-directory all $(B)/tools/holder
	@tests/demo.sh $(B)

bench: all deps-test $(B)/tools/holder $(B)/tools/crowd $(B)/tools/heapcount.so $(B)/bench/engine
	@tests/bench/run.sh $(B)

# -- dependencies -------------------------------------------------------------------------------
deps:
	@tests/install-packages.sh $(BUILD_PACKAGES)
deps-test: deps
	@tests/install-packages.sh $(TEST_PACKAGES)

# -- style --------------------------------------------------------------------------------------
SOURCES = $(wildcard src/*/*.[ch] tests/*/*.[ch])

lint:
	@tests/install-packages.sh $(LINT_PACKAGES) $(BUILD_PACKAGES) $(TEST_PACKAGES)
	clang-format --dry-run -Werror $(SOURCES)
	@mkdir -p $(B)
	@echo "clang-tidy"; clang-tidy --quiet --warnings-as-errors='*' $(wildcard src/*/*.c) -- -std=gnu17 \
		-D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DSYSCONFDIR='"/etc"' -Isrc > $(B)/tidy.log 2>&1 || \
		{ cat $(B)/tidy.log; exit 1; }
	cppcheck --quiet --error-exitcode=1 --inline-suppr --enable=warning,portability,performance \
		--std=c11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DSYSCONFDIR='"/etc"' -Isrc src
	shellcheck $(wildcard tests/*.sh tests/*/*.sh .ci/run)

format:
	clang-format -i $(SOURCES)

# -- installation -------------------------------------------------------------------------------
install: all
	$(INSTALL) -d '$(DESTDIR)$(sbindir)' '$(DESTDIR)$(sysconfdir)' '$(DESTDIR)$(unitdir)' \
		'$(DESTDIR)$(mandir)/man5' '$(DESTDIR)$(mandir)/man8'
	$(INSTALL) -m 755 $(B)/swapify-policy '$(DESTDIR)$(sbindir)/swapify-policy'
	$(INSTALL) -m 644 man/swapify-policy.8 '$(DESTDIR)$(mandir)/man8/swapify-policy.8'
	$(INSTALL) -m 644 man/swapify-policy.conf.5 '$(DESTDIR)$(mandir)/man5/swapify-policy.conf.5'
	sed 's|@sbindir@|$(sbindir)|' etc/swapify-policy.service > $(B)/swapify-policy.service
	$(INSTALL) -m 644 $(B)/swapify-policy.service '$(DESTDIR)$(unitdir)/swapify-policy.service'
	@conf='$(DESTDIR)$(sysconfdir)/swapify-policy.conf'; \
	if [ ! -e "$$conf" ]; then $(INSTALL) -m 644 etc/swapify-policy.conf "$$conf"; \
	elif ! cmp -s etc/swapify-policy.conf "$$conf"; then \
		$(INSTALL) -m 644 etc/swapify-policy.conf "$$conf.new"; \
		echo "kept $$conf, which differs; the new defaults are in $$conf.new"; fi
	@[ -n '$(DESTDIR)' ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload

# The configuration stays where it was changed
uninstall:
	@[ -n '$(DESTDIR)' ] || [ ! -d /run/systemd/system ] || \
		systemctl disable --now swapify-policy 2>/dev/null || true
	rm -f '$(DESTDIR)$(sbindir)/swapify-policy' '$(DESTDIR)$(unitdir)/swapify-policy.service' \
		'$(DESTDIR)$(mandir)/man8/swapify-policy.8' '$(DESTDIR)$(mandir)/man5/swapify-policy.conf.5' \
		'$(DESTDIR)$(sysconfdir)/swapify-policy.conf.new'
	@conf='$(DESTDIR)$(sysconfdir)/swapify-policy.conf'; \
	if cmp -s etc/swapify-policy.conf "$$conf"; then rm -f "$$conf"; \
	elif [ -e "$$conf" ]; then echo "kept $$conf, which was changed"; fi
	@[ -n '$(DESTDIR)' ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload

clean:
	rm -rf $(B)
