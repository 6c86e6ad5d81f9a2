"""The repository of a sandbox: what is done with it there, before set-up and after it.

Scripts for the sandbox's shell, in the workspace. They name the repository, because where there is none git would look
for one in the directories above; nothing depends on what they say.
"""

from __future__ import annotations

MAX_DEPTH = 100  # directories above a file; of what lies deeper, only that it is there is taken out of a sandbox
TOP = "./.git"  # not to be taken out of a sandbox: candidates are made from files

_GIT = "git --git-dir=.git --work-tree=."

# What lies in the workspace is what was committed: noted once, for tools that do not look for themselves.
SETTLE = f"[ -d .git ] && {_GIT} update-index -q --refresh >/dev/null 2>&1; true"

# What set-up left behind is nothing that an agent has to look at, and no hook of its runs when an agent commits.
# A name that git quotes (it has a line break or a backslash in it) stays visible.
HIDE = rf"""[ -d .git ] || exit 0
mkdir -p .git/info
rm -rf .git/hooks
{_GIT} config --local --unset-all core.hooksPath
{_GIT} -c core.quotePath=false ls-files --others --exclude-standard --directory --no-empty-directory |
    head -n 10000 | sed -e '/^"/d' -e 's/[][*? ]/\\&/g' -e 's|^|/|' >>.git/info/exclude
{SETTLE}
"""
