//! The kernel's word on devices that come and go, over its netlink socket.
//!
//! Both the kernel's own messages are heard and those of udev, which come when a node may be opened by us. They are only a
//! reason to look again: nothing that a message says is taken for true, so it does not matter who sent it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SocketFlags, SocketType, bind,
        netlink::{KOBJECT_UEVENT, SocketAddrNetlink},
        recv, socket_with,
    },
};

/// Multicast groups, as bits: 1 are the kernel's messages, 2 are udev's.
const GROUPS: u32 = 1 | 2;
/// Messages that are taken at a time; a plug of many functions makes some dozens.
const MOST: usize = 1024;
/// What the nodes of cameras and sound cards belong to.
const SUBSYSTEMS: [&[u8]; 2] = [b"SUBSYSTEM=video4linux", b"SUBSYSTEM=sound"];

/// A subscription.
pub struct Uevents {
    socket: OwnedFd,
}

impl Uevents {
    /// Begins to listen.
    pub fn subscribe() -> Result<Self, Errno> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(KOBJECT_UEVENT))?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
        Ok(Self { socket })
    }

    /// Takes what has been said; whether it may be about a camera or a sound card.
    pub fn take(&self) -> bool {
        let mut message = [0; 8192];
        let mut concerned = false;
        for _ in 0..MOST {
            match recv(&self.socket, &mut message, RecvFlags::empty()) {
                Ok((length, _)) => concerned |= concerns(&message[..length.min(message.len())]),
                // Some were lost, any could have been among them.
                Err(Errno::NOBUFS) => concerned = true,
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
        concerned
    }
}

impl AsFd for Uevents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Whether a message names one of [`SUBSYSTEMS`]. udev's fields follow on a head of numbers, so the first of them has no
/// beginning of its own.
fn concerns(message: &[u8]) -> bool {
    message.split(|byte| *byte == 0).any(|field| SUBSYSTEMS.iter().any(|wanted| field.ends_with(wanted)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_of_cameras_are_told_from_others() {
        let kernel =
            b"add@/devices/pci0000:00/usb1/1-2/1-2:1.0/video4linux/video0\0ACTION=add\0DEVPATH=/devices/x\0\
                       SUBSYSTEM=video4linux\0MAJOR=81\0SEQNUM=4711\0";
        assert!(concerns(kernel));
        let udev =
            b"libudev\0\xfe\xed\xca\xfe\x28\0\0\0\x28\0\0\0\x11\x22\x33\x44SUBSYSTEM=sound\0ACTION=add\0";
        assert!(concerns(udev));
        let disk = b"add@/devices/virtual/block/loop0\0ACTION=add\0SUBSYSTEM=block\0";
        assert!(!concerns(disk));
        assert!(!concerns(b"change@/module/video4linux\0SUBSYSTEM=module\0DEVNAME=video4linux\0"));
        assert!(!concerns(b""));
    }

    #[test]
    fn nothing_is_heard_where_nothing_happens() {
        // A box without netlink (some containers) cannot subscribe; that is told elsewhere.
        let Ok(uevents) = Uevents::subscribe() else { return };
        let _ = uevents.take();
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(message in prop::collection::vec(any::<u8>(), 0..300)) {
            concerns(&message);
        }
    }
}
