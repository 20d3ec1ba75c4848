//! Each attempt, as the calls that it is made of.

use std::{os::unix::process::CommandExt, path::Path, process::Command};

use rustix::{
    fs::{AtFlags, CWD, Dir, MemfdFlags, Mode, OFlags},
    io::Errno,
    mount::UnmountFlags,
    net::{AddressFamily, SocketAddrUnix, SocketType, ipproto},
    process::{Pid, Resource, Rlimit},
};

use super::{
    Attempt, Grounds,
    call::{
        Argument::{Bytes, Number},
        call,
    },
};

/// Numbers of `linux/ptrace.h`, `linux/keyctl.h` and `linux/sched.h`.
const PTRACE_SEIZE: i64 = 0x4206;
const KEYCTL_GET_KEYRING_ID: i64 = 0;
const SESSION_KEYRING: i64 = -3;

pub(super) fn make(attempt: Attempt, grounds: &Grounds) -> Result<(), Errno> {
    let present = grounds.directory.join("present");
    let anywhere = std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 0);
    let inet = |kind| rustix::net::socket(AddressFamily::INET, kind, None);
    match attempt {
        Attempt::ReadStore => open(&grounds.store, OFlags::RDONLY),
        Attempt::ReadUsers => open(Path::new("/etc/passwd"), OFlags::RDONLY),
        Attempt::ListDirectory => {
            let directory =
                rustix::fs::openat(CWD, &grounds.directory, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
            Dir::new(directory)?.next().transpose().map(drop)
        }
        Attempt::MakeFile => open(&grounds.directory.join("made"), OFlags::WRONLY | OFlags::CREATE),
        Attempt::WriteFile => open(&present, OFlags::WRONLY),
        Attempt::WriteHandedOver => rustix::io::write(rustix::stdio::stdin(), b"x").map(drop),
        Attempt::RemoveFile => rustix::fs::unlinkat(CWD, &present, AtFlags::empty()),
        Attempt::StartProgram => {
            Command::new("/proc/self/exe").arg("--version").stdout(nowhere()).status().map_or_else(errno, |_| Ok(()))
        }
        Attempt::BecomeProgram => errno(Command::new("/proc/self/exe").arg("--version").exec()),
        Attempt::Fork => fork(),
        Attempt::TakePort => rustix::net::bind(inet(SocketType::STREAM)?, &anywhere),
        Attempt::TakeDatagramPort => rustix::net::bind(inet(SocketType::DGRAM)?, &anywhere),
        Attempt::Listen => rustix::net::listen(inet(SocketType::STREAM)?, 1),
        Attempt::ControlSocket => connect(&SocketAddrUnix::new(&grounds.socket)?),
        Attempt::AbstractSocket => connect(&SocketAddrUnix::new_abstract_name(grounds.name.as_bytes())?),
        Attempt::RawPackets => rustix::net::socket(AddressFamily::INET, SocketType::RAW, Some(ipproto::ICMP)).map(drop),
        Attempt::KernelSocket => rustix::net::socket(AddressFamily::NETLINK, SocketType::RAW, None).map(drop),
        Attempt::TraceParent => {
            call(libc::SYS_ptrace, [Number(PTRACE_SEIZE), Number(grounds.parent.into()), Number(0), Number(0)])
                .map(drop)
        }
        Attempt::CopyParent => copy_parent(grounds),
        Attempt::OpenParent => open(Path::new(&format!("/proc/{}/mem", grounds.parent)), OFlags::RDONLY),
        Attempt::SignalParent => signal(grounds.parent),
        Attempt::MemoryFile => rustix::fs::memfd_create("attempt", MemfdFlags::CLOEXEC).map(drop),
        Attempt::RunMemory => run_memory(),
        Attempt::Queue => call(libc::SYS_io_uring_setup, [Number(1), Bytes(&mut [0; 120])]).map(drop),
        Attempt::KernelKeys => {
            call(libc::SYS_keyctl, [Number(KEYCTL_GET_KEYRING_ID), Number(SESSION_KEYRING), Number(0)]).map(drop)
        }
        Attempt::Namespace => call(libc::SYS_unshare, [Number(libc::CLONE_NEWUSER.into())]).map(drop),
        // Nothing is mounted there, which the kernel says only to those who may ask.
        Attempt::Mount => match rustix::mount::unmount(&grounds.directory, UnmountFlags::empty()) {
            Err(Errno::INVAL) => Ok(()),
            other => other,
        },
        Attempt::RaiseLimit => raise_limit(),
        Attempt::DumpCore => std::process::abort(),
    }
}

fn nowhere() -> std::process::Stdio {
    std::process::Stdio::null()
}

fn open(path: &Path, flags: OFlags) -> Result<(), Errno> {
    rustix::fs::openat(CWD, path, flags | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR).map(drop)
}

fn connect(address: &SocketAddrUnix) -> Result<(), Errno> {
    rustix::net::connect(rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?, address)
}

/// The second process ends at once, and without what a process usually does at its end.
fn fork() -> Result<(), Errno> {
    match call(libc::SYS_clone, [Number(libc::SIGCHLD.into()), Number(0), Number(0), Number(0), Number(0)])? {
        0 => call(libc::SYS_exit_group, [Number(0)]).map(drop),
        _ => Ok(()),
    }
}

/// Reads one byte at a place of the parent's memory.
fn copy_parent(grounds: &Grounds) -> Result<(), Errno> {
    let mut byte = [0_u8];
    let mut here = [byte.as_mut_ptr().addr(), 1].map(usize::to_ne_bytes).concat();
    let mut there = [grounds.memory, 1].map(usize::to_ne_bytes).concat();
    let copied = call(
        libc::SYS_process_vm_readv,
        [Number(grounds.parent.into()), Bytes(&mut here), Number(1), Bytes(&mut there), Number(1), Number(0)],
    )?;
    if copied == 1 { Ok(()) } else { Err(Errno::IO) }
}

fn run_memory() -> Result<(), Errno> {
    let rights = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let arguments = [Number(0), Number(4096), Number(rights.into()), Number(kind.into()), Number(-1), Number(0)];
    call(libc::SYS_mmap, arguments).map(drop)
}

/// What is usually not wanted is wanted here, if the walls leave it.
pub(super) fn allow_a_dump() {
    let Rlimit { maximum, .. } = rustix::process::getrlimit(Resource::Core);
    let _ = rustix::process::setrlimit(Resource::Core, Rlimit { current: maximum, maximum });
}

/// Sets the limit of open files to what it is: less than any other change, and still one.
fn raise_limit() -> Result<(), Errno> {
    let Rlimit { current, maximum } = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current, maximum })
}

/// Signal 0: whether it might, and nothing else.
fn signal(process: i32) -> Result<(), Errno> {
    rustix::process::test_kill_process(Pid::from_raw(process).ok_or(Errno::SRCH)?)
}

fn errno(error: std::io::Error) -> Result<(), Errno> {
    Err(error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error))
}
