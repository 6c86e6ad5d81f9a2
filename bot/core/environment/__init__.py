"""How a repository is set up and tested: plans, read from its files, best first; which one holds is proved by running.

    files.py      the paths of a repository and the texts that say something; bounded readers of TOML, JSON, YAML, INI
    tools.py      what a sandbox brings along: programs and their versions
    lines.py      what kind a command line is: set-up, tests, a check, unfit, other
    python.py node.py others.py    plans of an ecosystem, from its manifests and its task runners
    workflows.py  plans from jobs of CI and copilot-setup-steps.yml   devcontainer.py documents.py   ... from these
    plans.py      all of them in order

A plan is a `Toolchain` (core/model.py). Everything here is pure, total and bounded: files of a repository are hostile.
"""
