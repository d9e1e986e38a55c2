//! What a verify does besides computing: nothing.
//!
//! A verify that allocates can wait for the allocator's lock, and one that makes system calls for the kernel; both
//! ruin its latency just when the machine is busy, and neither shows in a mean. So it is in a shared store, too, while
//! nobody changes it. Here the allocator counts, and the
//! kernel ends the process at the first system call that is not the clock's.
#![cfg(target_os = "linux")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write;
use std::process::{Command, Stdio};

use tokenstore::{Expiry, Grants, NewToken, Options, Query, Status, Store, TypeId, TypePolicy, Verdict};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is handed on to the system's allocator as it came; counting touches a plain cell of this thread.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above; `alloc` gave the pointer.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A store with a token in every state, and values of every kind.
struct Scene {
    store: Store,
    server: TypeId,
    values: Vec<(Vec<u8>, Status)>,
}

fn scene(path: &std::path::Path, shared: bool) -> Scene {
    let store = Options::new().shared(shared).create(path).unwrap();
    let server = store.declare(&TypePolicy::new("server", "srv").accepts_external(true)).unwrap();
    let device = store.declare(&TypePolicy::new("device", "dev")).unwrap();
    let create = |new: NewToken| {
        let created = store.create(&new).unwrap();
        (created.id, created.value.as_bytes().to_vec())
    };
    let granted =
        NewToken::new(server, "acme").grants(Grants::projects((0..100).map(|n| format!("project {n}"))));
    let mut values = vec![
        (create(granted.clone()).1, Status::Ok),
        (create(NewToken::new(device, "acme")).1, Status::WrongType),
        (create(granted.clone().binding("client")).1, Status::WrongBinding),
        (create(NewToken::new(server, "acme")).1, Status::NoGrant),
    ];
    let (id, value) = create(granted.clone());
    store.revoke(id).unwrap();
    values.push((value, Status::Revoked));
    let (id, value) = create(granted.clone());
    store.disable(id).unwrap();
    values.push((value, Status::Disabled));
    let soon = Expiry::In(std::time::Duration::from_millis(1));
    values.push((create(granted.clone().expires(soon)).1, Status::Expired));
    let (id, value) = create(granted.clone());
    store.delete(id).unwrap();
    values.push((value, Status::Unknown));
    let outsider = vec![b'x'; 8_000];
    store.create_from_value(&granted, &outsider).unwrap();
    values.push((outsider, Status::Ok));
    values.push((b"far too short".to_vec(), Status::Malformed));
    values.push((b"srv_000000000000000000000000000000000000".to_vec(), Status::Malformed));
    std::thread::sleep(std::time::Duration::from_millis(50));
    Scene { store, server, values }
}

/// Every way to verify, every answer, many times over.
fn verify_all(scene: &Scene, headers: &[Vec<u8>], rounds: usize) {
    let query = Query::of_type(scene.server).project("project 77");
    let values: [&[u8]; 11] = std::array::from_fn(|n| &scene.values[n].0[..]);
    let mut verdicts = [Verdict::default(); 11];
    for _ in 0..rounds {
        for ((value, expected), header) in scene.values.iter().zip(headers) {
            let verdict = scene.store.verify(value, &query).unwrap();
            assert_eq!(verdict.status(), *expected);
            let verdict = scene.store.verify_authorization(header, &query).unwrap();
            assert_eq!(verdict.status(), *expected);
            if let Some(who) = verdict.identity() {
                assert_eq!(&**scene.store.owner(who.owner).unwrap().as_ref().unwrap(), b"acme");
            }
        }
        assert_eq!(scene.store.verify_many(&values, &query, &mut verdicts).unwrap(), 2);
        for (verdict, (_, expected)) in verdicts.iter().zip(&scene.values) {
            assert_eq!(verdict.status(), *expected);
        }
    }
}

fn headers(scene: &Scene) -> Vec<Vec<u8>> {
    let bearer = |value: &[u8]| [b"Bearer ", value].concat();
    // A bare value with spaces in it is no header; the others are.
    scene.values.iter().map(|(value, _)| bearer(value)).collect()
}

#[test]
fn a_verify_allocates_nothing() {
    for shared in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let scene = scene(&folder.path().join("tokens.store"), shared);
        assert!(ALLOCATIONS.get() > 0, "the allocator does not count");
        let headers = headers(&scene);
        let before = ALLOCATIONS.get();
        verify_all(&scene, &headers, 1_000);
        assert_eq!(ALLOCATIONS.get() - before, 0);
    }
}

/// Set in the process that is to be ended at its first system call.
const CHILD: &str = "TOKENSTORE_TEST_NO_SYSTEM_CALLS";
const CHILD_STORE: &str = "TOKENSTORE_TEST_STORE";

/// The child's part: does nothing unless it is one.
#[test]
fn child_without_system_calls() {
    let (Ok(part), Ok(path)) = (std::env::var(CHILD), std::env::var(CHILD_STORE)) else { return };
    let scene = scene(path.as_ref(), part == "shared");
    let headers = headers(&scene);
    verify_all(&scene, &headers, 1);
    forbid_system_calls();
    verify_all(&scene, &headers, 1_000);
    if part == "control" {
        std::hint::black_box(std::fs::metadata("/").is_ok());
    }
    end(42);
}

#[test]
fn a_verify_makes_no_system_call_but_the_clocks() {
    let run = |part: &str| {
        let folder = tempfile::tempdir().unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_without_system_calls", "--test-threads=1"])
            .env(CHILD, part)
            .env(CHILD_STORE, folder.path().join("tokens.store"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        (child.code(), std::os::unix::process::ExitStatusExt::signal(&child))
    };
    assert_eq!(run("alone"), (Some(42), None));
    assert_eq!(run("shared"), (Some(42), None));
    assert_eq!(run("control"), (None, Some(libc::SIGSYS)), "a system call went unnoticed");
    writeln!(
        std::io::stdout(),
        "verify costs: 33,000 verifies, and 33,000 in a shared store, without an allocation or a system call"
    )
    .unwrap();
}

/// From here on the kernel ends the process at any system call but those for the clock and the end.
#[allow(unsafe_code)]
fn forbid_system_calls() {
    // A program for the kernel's packet filter: load the call's number, allow three numbers, end on any other.
    const LOAD_NUMBER: u16 = 0x20;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let allowed = [libc::SYS_clock_gettime, libc::SYS_exit_group, libc::SYS_exit];
    let mut program = vec![libc::sock_filter { code: LOAD_NUMBER, jt: 0, jf: 0, k: 0 }];
    for (n, number) in allowed.iter().enumerate() {
        let to_allow = (allowed.len() - n) as u8;
        program.push(libc::sock_filter { code: JUMP_IF_EQUAL, jt: to_allow, jf: 0, k: *number as u32 });
    }
    program.push(libc::sock_filter { code: RETURN, jt: 0, jf: 0, k: libc::SECCOMP_RET_KILL_PROCESS });
    program.push(libc::sock_filter { code: RETURN, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW });
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the program is alive until both calls have returned; the kernel copies it.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program), 0);
    }
}

/// Ends the process by the one call that is allowed besides the clock's: nothing is flushed, freed or cleaned up.
#[allow(unsafe_code)]
fn end(code: i32) -> ! {
    // SAFETY: it does not return, and asks nothing.
    unsafe { libc::_exit(code) }
}
