.DEFAULT_GOAL := help
.PHONY: help install test lint docs records clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## Install pixelwise in editable mode with all development tools, and the pre-commit hooks
	pip install -e '.[dev]'
	pre-commit install

test: ## Run the default test suite
	pytest -n auto

lint: ## Check style, types and import layers
	ruff check .
	ruff format --check .
	mypy
	lint-imports

docs: ## Build the documentation into build/site
	mkdocs build --strict --site-dir build/site

records: ## Regenerate the pages of results from records/
	python -m tools.results

clean: ## Delete build products and caches; runs and data are kept
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
