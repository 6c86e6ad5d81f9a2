"""System calls that no build or test needs, and that most holes in kernels were reached by.

Everything else stays allowed: threads, node, git, gcc, java and sanitizers work. The list follows what Docker's default
profile denies, and adds what is new since. `clone3` answers ENOSYS, because its flags cannot be looked at; the C
library then uses `clone`.
"""

from __future__ import annotations

import errno
import functools
import tempfile

import structlog

# fmt: off
_DENIED = (
    # mounts and namespaces
    "mount", "mount_setattr", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "open_tree", "umount",
    "umount2", "pivot_root", "setns", "unshare",
    # other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "perf_event_open", "lookup_dcookie",
    # the kernel's own machinery
    "bpf", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "kexec_load",
    "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "syslog", "acct", "swapon",
    "swapoff", "quotactl", "quotactl_fd", "nfsservctl", "vhangup", "fanotify_init", "iopl", "ioperm",
    # keys, and files by handle instead of path
    "keyctl", "add_key", "request_key", "open_by_handle_at", "name_to_handle_at",
    # the clock
    "settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
)
# fmt: on
_NEW_NAMESPACES = 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000 | 0x00020000
_SOCKET_FAMILIES = {"AF_PACKET": 17, "AF_ALG": 38, "AF_VSOCK": 40, "AF_XDP": 44}
_TERMINAL_INJECTION = {"TIOCSTI": 0x5412, "TIOCLINUX": 0x541C}


@functools.cache
def program() -> bytes | None:
    """The filter as bubblewrap takes it. None, said in the log, where the system has no libseccomp."""
    try:
        import pyseccomp as seccomp  # loads the C library when imported
    except (ImportError, OSError, RuntimeError) as error:
        structlog.get_logger().warning("sandbox.without_seccomp", reason=str(error), remedy="install libseccomp2")
        return None
    refuse = seccomp.ERRNO(errno.EPERM)
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    for name in _DENIED:
        if seccomp.resolve_syscall(seccomp.Arch.NATIVE, name) != -1:  # -1: this libseccomp is older than the call
            rules.add_rule(refuse, name)
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    for bit in range(32):
        if flag := _NEW_NAMESPACES & 1 << bit:
            rules.add_rule(refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    for family in _SOCKET_FAMILIES.values():
        rules.add_rule(refuse, "socket", seccomp.Arg(0, seccomp.EQ, family))
    for request in _TERMINAL_INJECTION.values():
        rules.add_rule(refuse, "ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, 0xFFFFFFFF, request))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
