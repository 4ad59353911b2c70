//! Which addresses may be called.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Networks that are not the public internet (IANA special-purpose registries).
const PRIVATE_V4: [Ipv4Net; 16] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
    v4(255, 255, 255, 255, 32),
];

/// The same for IPv6, and every form that holds an IPv4 address: who means one should write it as such.
const PRIVATE_V6: [Ipv6Net; 14] = [
    v6(0, 0, 0, 0, 0, 0, 96),
    v6(0, 0, 0, 0, 0, 0xffff, 96),
    v6(0, 0, 0, 0, 0xffff, 0, 96),
    v6(0x64, 0xff9b, 0, 0, 0, 0, 96),
    v6(0x64, 0xff9b, 1, 0, 0, 0, 48),
    v6(0x100, 0, 0, 0, 0, 0, 64),
    v6(0x2001, 0, 0, 0, 0, 0, 23),
    v6(0x2001, 0xdb8, 0, 0, 0, 0, 32),
    v6(0x2002, 0, 0, 0, 0, 0, 16),
    v6(0x3fff, 0, 0, 0, 0, 0, 20),
    v6(0xfc00, 0, 0, 0, 0, 0, 7),
    v6(0xfe80, 0, 0, 0, 0, 0, 10),
    v6(0xfec0, 0, 0, 0, 0, 0, 10),
    v6(0xff00, 0, 0, 0, 0, 0, 8),
];

/// Addresses at which cloud machines read their own credentials. No configuration opens these.
const METADATA: [IpAddr; 9] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, d: u16, e: u16, f: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, 0, 0), prefix)
}

/// Why an address cannot be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// Not an absolute URL.
    #[error("this is not a web address")]
    Malformed,
    /// Neither `http` nor `https`.
    #[error("only http and https addresses can be called")]
    Scheme,
    /// It leads to a network that is not public, and the configuration does not list that network.
    #[error("this address leads into a private network that the configuration does not allow")]
    Denied,
}

/// The rule: public addresses, and the networks that the configuration lists.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    allow: Vec<IpNet>,
}

impl Guard {
    /// Allows these networks beside the public ones.
    #[must_use]
    pub fn new(allow: Vec<IpNet>) -> Self {
        Self { allow }
    }

    /// Whether this address may be connected to.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        if METADATA.contains(&address) || METADATA.contains(&embedded(address)) {
            return false;
        }
        if self.allow.iter().any(|net| net.contains(&address)) {
            return true;
        }
        match address {
            IpAddr::V4(address) => !PRIVATE_V4.iter().any(|net| net.contains(&address)),
            IpAddr::V6(address) => !PRIVATE_V6.iter().any(|net| net.contains(&address)),
        }
    }

    /// Reads an address and checks what can be seen without a name lookup: the scheme, and a host written as a number in
    /// any of the forms that the URL standard reads (`2130706433`, `0x7f.1`, `[::ffff:127.0.0.1]`).
    ///
    /// # Errors
    /// [`UrlFault`]
    pub fn check(&self, url: &str) -> Result<Url, UrlFault> {
        let url = Url::parse(url.trim()).map_err(|_| UrlFault::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlFault::Scheme);
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(UrlFault::Malformed),
        };
        match literal {
            Some(address) if !self.permits(address) => Err(UrlFault::Denied),
            _ => Ok(url),
        }
    }
}

/// The IPv4 address inside an IPv6 one, as far as routers on the way unpack it.
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(address) = address else {
        return address;
    };
    let segments = address.segments();
    let v4 = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match segments {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, .., high, low]
        | [0x2002, high, low, ..] => v4(high, low),
        [0x2001, 0, .., high, low] => v4(!high, !low),
        _ => IpAddr::V6(address),
    }
}

/// The system's resolver.
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// A name has no address, or none that is permitted. It may have one in a moment: what a resolver says passes.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("no address that may be called")]
pub(super) struct NoAddress;

/// A resolver of which only permitted answers get through. The client connects to what it gets here and asks nobody again,
/// so a name that changes its mind between check and use gains nothing.
pub(super) struct Filtered {
    guard: Arc<Guard>,
    inner: Arc<dyn Resolve>,
}

impl Filtered {
    pub(super) fn new(guard: Arc<Guard>, inner: Arc<dyn Resolve>) -> Arc<Self> {
        Arc::new(Self { guard, inner })
    }
}

impl fmt::Debug for Filtered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filtered").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl Resolve for Filtered {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.guard);
        let answer = self.inner.resolve(name);
        Box::pin(async move {
            let permitted: Vec<SocketAddr> = answer.await?.filter(|address| guard.permits(address.ip())).collect();
            if permitted.is_empty() {
                return Err(NoAddress.into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}
