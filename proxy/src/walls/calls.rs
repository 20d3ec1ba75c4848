//! The wall around system calls, by seccomp: a list of what carrying bytes takes. Everything else is refused with
//! `EPERM`, since libraries probe and go on; what no part of the relay could mean to do ends it at once.
//!
//! Whoever adds a call here says why the relay needs it. There is no call that starts a program or a process, waits for
//! one, names a socket or makes one listen, writes to a file by its path, or makes memory that can be run.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpArgLen::Qword, SeccompCmpOp, SeccompCmpOp::Eq,
    SeccompCmpOp::MaskedEq, SeccompCondition, SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
};

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: TargetArch = TargetArch::aarch64;

/// Allowed whatever the arguments.
const ALLOWED: &[c_long] = &[
    // Sockets that are open.
    libc::SYS_accept4,
    libc::SYS_connect,
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmmsg,
    libc::SYS_recvmsg,
    libc::SYS_sendmmsg,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_shutdown,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    // Waiting.
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_futex,
    libc::SYS_ppoll,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_restart_syscall,
    libc::SYS_sched_yield,
    // Memory.
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    // Threads, and the end of them.
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_membarrier,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
    // Salts and keys.
    libc::SYS_getrandom,
    // The resolver looks whether its files have changed, and reads them.
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_lseek,
    libc::SYS_pread64,
    libc::SYS_uname,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    // Answered with `ENOSYS` by a filter of its own: threads are then started in a way whose flags can be looked at.
    libc::SYS_clone3,
];

/// The same calls by their older numbers, which only this architecture has.
#[cfg(target_arch = "x86_64")]
const ALLOWED_OLDER: &[c_long] = &[libc::SYS_epoll_wait, libc::SYS_poll, libc::SYS_time];
#[cfg(target_arch = "aarch64")]
const ALLOWED_OLDER: &[c_long] = &[];

/// What ends the relay at once: nothing that it is made of could ever try it.
const UNTHINKABLE: &[c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_listen,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_userfaultfd,
    libc::SYS_personality,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_setup,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_mount_setattr,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
];

#[cfg(target_arch = "x86_64")]
const UNTHINKABLE_OLDER: &[c_long] =
    &[libc::SYS_fork, libc::SYS_vfork, libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt];
#[cfg(target_arch = "aarch64")]
const UNTHINKABLE_OLDER: &[c_long] = &[];

/// Shuts every system call but the listed ones to all threads of this process; false when the kernel cannot.
pub(super) fn shut() -> bool {
    let Ok(programs) = programs() else { return false };
    programs.iter().all(|program| apply_filter_all_threads(program).is_ok())
}

/// The filters in the order in which they are installed; for every call the strictest of them has the word.
fn programs() -> Result<[BpfProgram; 3], seccompiler::BackendError> {
    let always = |calls: &[&[c_long]]| calls.concat().into_iter().map(|call| (call, Vec::new())).collect::<Rules>();
    let mut allowed = always(&[ALLOWED, ALLOWED_OLDER]);
    allowed.extend(depending_on_arguments()?);
    let refuse = |errno: libc::c_int| SeccompAction::Errno(errno.unsigned_abs());
    Ok([
        compile(always(&[UNTHINKABLE, UNTHINKABLE_OLDER]), SeccompAction::KillProcess, SeccompAction::Allow)?,
        compile(always(&[&[libc::SYS_clone3]]), refuse(libc::ENOSYS), SeccompAction::Allow)?,
        compile(allowed, SeccompAction::Allow, refuse(libc::EPERM))?,
    ])
}

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

fn compile(
    rules: Rules,
    matched: SeccompAction,
    others: SeccompAction,
) -> Result<BpfProgram, seccompiler::BackendError> {
    SeccompFilter::new(rules, others, matched, ARCHITECTURE)?.try_into()
}

/// What an argument must be: which one, compared how, with what.
type Must = (u8, SeccompCmpOp, libc::c_int);

/// Calls that are allowed with some arguments only.
fn depending_on_arguments() -> Result<Rules, seccompiler::BackendError> {
    let one_of = |which: u8, values: &[libc::c_int]| values.iter().map(|value| vec![(which, Eq, *value)]).collect();
    let calls: [(c_long, Vec<Vec<Must>>); 10] = [
        (libc::SYS_socket, sockets()),
        (libc::SYS_setsockopt, socket_options()),
        // For reading only. Which file, landlock says: the kernel cannot look at a path here.
        (libc::SYS_openat, vec![vec![(2, without(FOR_MORE_THAN_READING), 0)]]),
        // Threads of this process, in the namespaces that it has.
        (libc::SYS_clone, vec![vec![(0, without(libc::CLONE_THREAD | libc::CLONE_VM | NAMESPACES), THREAD)]]),
        (libc::SYS_mmap, vec![vec![(2, without(libc::PROT_EXEC), 0)]]),
        (libc::SYS_mprotect, vec![vec![(2, without(libc::PROT_EXEC), 0)]]),
        (
            libc::SYS_fcntl,
            one_of(1, &[libc::F_GETFL, libc::F_SETFL, libc::F_GETFD, libc::F_SETFD, libc::F_DUPFD_CLOEXEC]),
        ),
        (libc::SYS_ioctl, one_of(1, &[FIONBIO, FIONREAD])),
        // The names of threads and of memory.
        (libc::SYS_prctl, one_of(0, &[libc::PR_SET_NAME, PR_SET_VMA])),
        // `abort` ends this process by a signal to it, and to no other.
        (libc::SYS_tgkill, one_of(0, &[rustix::process::getpid().as_raw_nonzero().get()])),
    ];
    let mut rules = calls.into_iter().map(|(call, any)| Ok((call, any_of(any)?))).collect::<Result<Rules, _>>()?;
    // Asking for a limit, not setting it: there is no new one. A pointer has 64 bits.
    let asking = SeccompCondition::new(2, Qword, Eq, 0)?;
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![asking])?]);
    Ok(rules)
}

fn any_of(any: Vec<Vec<Must>>) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let condition = |(which, how, value): Must| SeccompCondition::new(which, Dword, how, bits(value));
    let rule = |all: Vec<Must>| SeccompRule::new(all.into_iter().map(condition).collect::<Result<_, _>>()?);
    any.into_iter().map(rule).collect()
}

/// Of these bits, none but the compared ones may be set.
fn without(mask: libc::c_int) -> SeccompCmpOp {
    MaskedEq(bits(mask))
}

fn bits(value: libc::c_int) -> u64 {
    value.cast_unsigned().into()
}

/// TCP and UDP to the outside; never a socket of this machine, of the kernel or of raw packets.
fn sockets() -> Vec<Vec<Must>> {
    const KIND: libc::c_int = 0xf;
    let kinds = [
        (libc::SOCK_STREAM, 0),
        (libc::SOCK_STREAM, libc::IPPROTO_TCP),
        (libc::SOCK_DGRAM, 0),
        (libc::SOCK_DGRAM, libc::IPPROTO_UDP),
    ];
    let of = |family| kinds.map(|(kind, protocol)| vec![(0, Eq, family), (1, without(KIND), kind), (2, Eq, protocol)]);
    [libc::AF_INET, libc::AF_INET6].into_iter().flat_map(of).collect()
}

/// Every option of a stream or datagram but those that load a program into the kernel or rewrite a connection.
fn socket_options() -> Vec<Vec<Must>> {
    let but = |others: &[libc::c_int]| others.iter().map(|other| (2, SeccompCmpOp::Ne, *other)).collect::<Vec<Must>>();
    let programs =
        [libc::SO_ATTACH_FILTER, libc::SO_ATTACH_BPF, libc::SO_ATTACH_REUSEPORT_CBPF, libc::SO_ATTACH_REUSEPORT_EBPF];
    let level = |level, but: Vec<Must>| [vec![(1, Eq, level)], but].concat();
    vec![
        level(libc::SOL_SOCKET, but(&programs)),
        level(libc::IPPROTO_TCP, but(&[libc::TCP_REPAIR, libc::TCP_ULP])),
        level(libc::IPPROTO_UDP, Vec::new()),
        level(libc::IPPROTO_IP, Vec::new()),
        level(libc::IPPROTO_IPV6, Vec::new()),
    ]
}

const FOR_MORE_THAN_READING: libc::c_int = libc::O_ACCMODE
    | libc::O_CREAT
    | libc::O_TRUNC
    | libc::O_APPEND
    | libc::O_PATH
    | (libc::O_TMPFILE & !libc::O_DIRECTORY);
const THREAD: libc::c_int = libc::CLONE_THREAD | libc::CLONE_VM;
const NAMESPACES: libc::c_int = libc::CLONE_NEWNS
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;
/// Numbers of `linux/prctl.h` and `asm-generic/ioctls.h`, which both architectures share.
const PR_SET_VMA: libc::c_int = 0x5356_4d41;
const FIONBIO: libc::c_int = 0x5421;
const FIONREAD: libc::c_int = 0x541b;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_compile_and_no_call_is_both_needed_and_unthinkable() {
        assert!(programs().unwrap().iter().all(|program| !program.is_empty()));
        let allowed = [ALLOWED, ALLOWED_OLDER].concat();
        assert!([UNTHINKABLE, UNTHINKABLE_OLDER].concat().iter().all(|call| !allowed.contains(call)));
        for call in [libc::SYS_bind, libc::SYS_socketpair, libc::SYS_wait4, libc::SYS_unlinkat, libc::SYS_ftruncate] {
            assert!(!allowed.contains(&call));
        }
    }
}
