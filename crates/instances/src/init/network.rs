//! The instance's network: one loopback interface, up, with the addresses of the metadata service, of
//! the API and of the instance itself. Messages as in rtnetlink(7).

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

const NEW_LINK: u16 = 16;
const NEW_ADDRESS: u16 = 20;
const REQUEST_AND_ACK: u16 = 0x1 | 0x4;
const CREATE: u16 = 0x400;
const UP: u32 = 1;
const LOOPBACK: u32 = 1;
const INET: u8 = 2;
const ATTRIBUTE_ADDRESS: u16 = 1;
const ATTRIBUTE_LOCAL: u16 = 2;
const HEADER_BYTES: usize = 16;

/// Brings the loopback interface up with these addresses.
pub(super) fn bring_up(addresses: &[Ipv4Addr]) -> io::Result<()> {
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        // The routing protocol is number 0, which is also the default.
        None,
    )?;
    ask(&socket, &message(NEW_LINK, 0, &link_up()))?;
    for &address in addresses {
        ask(&socket, &message(NEW_ADDRESS, CREATE, &host_address(address)))?;
    }
    Ok(())
}

fn link_up() -> Vec<u8> {
    let mut body = vec![0; 4];
    for word in [LOOPBACK, UP, UP] {
        body.extend(word.to_ne_bytes());
    }
    body
}

fn host_address(address: Ipv4Addr) -> Vec<u8> {
    let mut body = vec![INET, 32, 0, 0];
    body.extend(LOOPBACK.to_ne_bytes());
    for attribute in [ATTRIBUTE_LOCAL, ATTRIBUTE_ADDRESS] {
        body.extend(8_u16.to_ne_bytes());
        body.extend(attribute.to_ne_bytes());
        body.extend(address.octets());
    }
    body
}

fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER_BYTES + body.len()).unwrap_or(u32::MAX);
    let mut message = Vec::with_capacity(HEADER_BYTES + body.len());
    message.extend(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend((REQUEST_AND_ACK | flags).to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    message
}

fn ask(socket: &OwnedFd, message: &[u8]) -> io::Result<()> {
    rustix::net::sendto(socket, message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0; 1024];
    let (received, _) = rustix::net::recv(socket, &mut answer[..], RecvFlags::empty())?;
    let code = answer.get(HEADER_BYTES..HEADER_BYTES + 4).filter(|_| received >= HEADER_BYTES + 4);
    match code.and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "a short answer from netlink")),
    }
}
