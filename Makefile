PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: run test check bench demo messages clean

run: $(VENV)/run.ok                      ## start the app on http://127.0.0.1:8501
	$(BIN)/streamlit run app.py

demo: $(VENV)/run.ok                     ## the whole chain without a browser; options through ARGS="..."
	$(BIN)/python -m core demo $(ARGS)

test: $(VENV)/dev.ok chromium            ## every test, those in a real browser too; side by side, so one thread for each
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(VENV)/dev.ok                    ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

messages: $(VENV)/dev.ok                 ## bring core/locale/zh.po up to date with the program's strings
	$(BIN)/pybabel -q extract --no-location --sort-output -k _ -k N_ -k plain -k Refusal -k keep_message --ignore-dirs __pycache__ -o .messages.pot core pages
	$(BIN)/pybabel -q update --no-fuzzy-matching --ignore-obsolete --omit-header --no-wrap -l zh -i .messages.pot -o core/locale/zh.po
	rm .messages.pot

bench: $(VENV)/dev.ok                    ## ratios against named baselines, measured in the same run
	for bench in $(filter-out benchmarks/label_studio.py,$(wildcard benchmarks/[a-z]*.py)); do $(BIN)/python $$bench || exit 1; done

$(VENV)/run.ok: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	touch $@

$(VENV)/dev.ok: requirements.txt requirements-dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	touch $@ $(VENV)/run.ok

.PHONY: chromium
chromium:                                # found, or installed where we may; else say what to do
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	     && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
	|| { echo "The browser tests need Chromium. Install it (Debian, Ubuntu: sudo apt-get install chromium) and run make test again."; exit 1; }

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
