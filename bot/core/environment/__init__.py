"""How a repository is set up and tested: plans, read from its files, best first; which one holds is proved by running.

    files.py      the paths of a repository and the texts that say something; bounded readers of TOML, JSON, YAML, INI
    tools.py      what a sandbox brings along: programs and their versions
    lines.py programs.py    what kind a command line is: set-up, tests, a check, unfit, other
    python.py node.py others.py    plans of an ecosystem, from its manifests and its task runners
        node_scripts.py node_calls.py node_commands.py node_programs.py    scripts of package.json, taken apart
        node_tests.py node_workspaces.py node_install.py node_versions.py  tests, packages, who installs, which Node
        targets.py compiled.py toolchains.py   make, just, task    CMake, Meson, autotools    what a sandbox lacks
    projects.py   the same for directories below the top
    expand.py     a command that only starts others, taken apart by the ecosystem that knows it
    workflows.py  plans from jobs of CI and copilot-setup-steps.yml   devcontainer.py documents.py   ... from these
        bounded_yaml.py workflow_files.py    what stands there     expressions.py job_matrix.py    `${{ }}`
        recipes.py scripts.py places.py      a job, step by step and command by command, into set-up, tests, checks
        fitting.py actions.py                a line, or an action, as it fits a sandbox
    plans.py      all of them in order

A plan is a `Toolchain` (core/model/environment.py). Everything here is pure, total and bounded: what a repository
holds is hostile.
"""
