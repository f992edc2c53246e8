# Everything starts here, on a Debian with python3 and make:
#
#   make run      the main job, for anyone to see: server, carrier, client, 10,000 messages
#   make serve    the server, until Ctrl-C
#   make test     lint, types, import contracts, all tests
#   make bench    figures, about half an hour; QUICK=1 within three minutes
#   make pauses   whether anything stops the loop: a message every 10 ms through all that might
#   make instructions  count anew what a message costs, for the test that it costs no more
#   make fuzz     a minute of garbage for each target, guided and with AddressSanitizer
#   make docs     docs/conformance.md, from the tests
#   make interop  other people's clients and carriers; writes docs/interop.md
#   make build    the virtual environment with everything in it; all of the above do it first
#   make clean    remove what was made
#
# CONFIG=FILE is the configuration, MESSAGES=N how many `run` sends, TESTS=PATH what `test` tests.

CONFIG ?= config/smsc.yaml
MESSAGES ?= 10000
TESTS ?=
PYTHON3 ?= python3

BIN := .venv/bin
VENV := .venv/.installed
BUILT := .venv/.built
SOURCES := $(foreach in,smsc smsc/journal,$(wildcard $(in)/*.pyx $(in)/*.pxd $(in)/*.pyi $(in)/*.h))
# Python that a .pxd beside it gives C types is compiled too.
SOURCES += $(wildcard $(patsubst %.pxd,%.py,$(filter %.pxd,$(SOURCES))))

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
NEEDS := { echo "smsc: if that was about ensurepip, Python.h, gcc or cc:" \
         "apt-get install python3-venv python3-dev gcc make" >&2; exit 1; }

.PHONY: build run serve test lint pytest bench pauses instructions docs interop fuzz clean
.DELETE_ON_ERROR:

build: $(BUILT)

run: build
	$(BIN)/smsc demo --config $(CONFIG) --messages $(MESSAGES)

serve: build
	$(BIN)/smsc serve --config $(CONFIG)

test: lint pytest

lint: build
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

pytest: build
	$(BIN)/pytest $(TESTS)

bench: build
	$(BIN)/python -m bench $(if $(QUICK),--quick)

pauses: build
	$(BIN)/python -m bench.pauses $(if $(QUICK),--quick)

instructions: build
	$(BIN)/python -m bench.instructions --record

docs: build
	$(BIN)/python tests/conformance/listing.py --write

interop: build
	SMSC_WRITE_PAGES=1 $(BIN)/pytest tests/interop

# Memory errors by gcc's AddressSanitizer; guided by coverage with clang and atheris.
SECONDS ?= 60
TARGETS ?= framing pdu receipts texts udh moments
ASAN := ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc \
    LD_PRELOAD=$$(gcc -print-file-name=libasan.so) PYTHONPATH=build/asan/lib
GUIDED := ASAN_OPTIONS=detect_leaks=0 PYTHONPATH=build/guided/lib \
    LD_PRELOAD=$$($(BIN)/python -c 'import atheris; print(atheris.path())')/asan_with_fuzzer.so
FUZZ := $(BIN)/python tests/fuzz/run.py
SANITIZED := $(BIN)/python setup.py --quiet build_py --build-lib

fuzz: build
	SMSC_ASAN=1 $(SANITIZED) build/asan/lib build_ext --parallel 2 \
	    --build-temp build/asan --build-lib build/asan/lib
	for target in $(TARGETS); do $(ASAN) $(FUZZ) $$target $(SECONDS) || exit 1; done
	$(INSTALL) atheris
	SMSC_GUIDED=1 CC=clang LDSHARED="clang -shared" $(SANITIZED) build/guided/lib build_ext \
	    --parallel 2 --build-temp build/guided --build-lib build/guided/lib
	for target in $(TARGETS); do $(GUIDED) $(FUZZ) $$target $(SECONDS) --guided || exit 1; done

$(BIN)/pip:
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "smsc: this needs Python 3.11 or later as $(PYTHON3)" >&2; exit 1; }
	@$(PYTHON3) -m venv .venv || $(NEEDS)

# Installed again when what it needs has changed, not with every rule of a linter.
$(VENV): $(BIN)/pip pyproject.toml constraints.txt
	@$(BIN)/python -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"])' \
	    | cat - constraints.txt > .venv/.wanted
	@cmp -s .venv/.wanted $@ || { \
	    $(INSTALL) setuptools cython && \
	    SMSC_NO_EXTENSIONS=1 $(INSTALL) --no-build-isolation --editable '.[dev]'; } || $(NEEDS)
	@cp .venv/.wanted $@

$(BUILT): $(VENV) setup.py $(SOURCES)
	@[ -e $@ ] && [ -z "$$(find setup.py $(SOURCES) -newer $@)" ] \
	    || $(BIN)/python setup.py --quiet build_ext --inplace --parallel 2 || $(NEEDS)
	@touch $@

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	rm -rf .hypothesis .benchmarks
	rm -f smsc/*.c smsc/*.so smsc/journal/*.c smsc/journal/*.so
	find smsc tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
