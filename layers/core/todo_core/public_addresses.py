"""The IP addresses to which the service may connect for a client: only those that are public on the internet.

All others may belong to the operator's own network: private, shared and link-local addresses, loopback, and the
metadata services of clouds. The lists follow the IANA registries of special-purpose addresses.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

_REFUSED_IPV4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this host
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # shared by carriers; the metadata service of Alibaba Cloud
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # the host of a virtual machine on Azure
            "169.254.0.0/16",  # link-local; the metadata services of AWS, Google and Azure
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocols of the IETF; the metadata service of Oracle
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
_GLOBAL_IPV6: Final = IPv6Network("2000::/3")
_REFUSED_IPV6: Final = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocols of the IETF, such as Teredo, which tunnels to any IPv4 address
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which tunnels to any IPv4 address
            "3fff::/20",  # documentation
        ),
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
"""The addresses under which a network without IPv4 reaches IPv4 addresses. The last 32 bits are that address."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Returns True if everyone on the internet reaches the same host by this address.

    An IPv4 address inside of an IPv6 address is checked instead of it. An address with a zone is not public.
    """
    if isinstance(address, IPv6Address):
        inner = _find_inner(address)
        return is_public(inner) if inner else _is_public_ipv6(address)
    return not any(address in network for network in _REFUSED_IPV4)


def _find_inner(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped


def _is_public_ipv6(address: IPv6Address) -> bool:
    is_global = address.scope_id is None and address in _GLOBAL_IPV6
    return is_global and not any(address in network for network in _REFUSED_IPV6)
