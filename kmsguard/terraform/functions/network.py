"""Functions of IP networks."""

from __future__ import annotations

import ipaddress
from decimal import Decimal

from kmsguard.terraform.functions import Function
from kmsguard.terraform.functions.adapt import FunctionError, pure, whole_number
from kmsguard.terraform.types import NUMBER, STRING

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(prefix: str) -> Network:
    if "/" not in prefix or "%" in prefix:
        raise FunctionError("this is no CIDR prefix")
    address, _, length = prefix.partition("/")
    if not length.isdigit():
        raise FunctionError("this is no CIDR prefix")
    # Terraform takes leading zeros in IPv4 numbers as decimal
    if ":" not in address:
        address = ".".join(str(int(part)) if part.isdigit() else part for part in address.split("."))
    try:
        return ipaddress.ip_network(f"{address}/{length}", strict=False)
    except ValueError:
        raise FunctionError("this is no CIDR prefix") from None


def _host(prefix: str, number: int | Decimal) -> str:
    network = _network(prefix)
    at = whole_number(number)
    size = network.num_addresses
    if not -size <= at < size:
        raise FunctionError("the prefix has no host of that number")
    return str(network.network_address + (at if at >= 0 else size + at))


def _contains(prefix: str, inner: str) -> bool:
    network = _network(prefix)
    if "/" in inner:
        other = _network(inner)
        return network.version == other.version and network.supernet_of(other)  # type: ignore[arg-type]
    try:
        address = ipaddress.ip_address(inner)
    except ValueError:
        raise FunctionError("this is no address and no CIDR prefix") from None
    return address in network


def _netmask(prefix: str) -> str:
    network = _network(prefix)
    if network.version == 6:
        raise FunctionError("IPv6 has no netmasks")
    return str(network.netmask)


def _subnet(prefix: str, bits: int | Decimal, number: int | Decimal) -> str:
    network = _network(prefix)
    more, at = whole_number(bits), whole_number(number)
    length = network.prefixlen + more
    if more < 0 or length > network.max_prefixlen or not 0 <= at < 1 << more:
        raise FunctionError("the prefix has no subnet of that number")
    start = int(network.network_address) + (at << (network.max_prefixlen - length))
    return f"{_address(network, start)}/{length}"


def _address(network: Network, number: int) -> str:
    return str(ipaddress.IPv4Address(number) if network.version == 4 else ipaddress.IPv6Address(number))


def _subnets(prefix: str, *bits: int | Decimal) -> list[str]:
    network = _network(prefix)
    at = int(network.network_address)
    end = at + network.num_addresses
    out = []
    for more in map(whole_number, bits):
        length = network.prefixlen + more
        if not 1 <= more <= 32 or length > network.max_prefixlen:
            raise FunctionError("the prefix has no subnet of that length")
        size = 1 << (network.max_prefixlen - length)
        at = -(-at // size) * size
        if at + size > end:
            raise FunctionError("the prefix has no room for that many subnets")
        out.append(f"{_address(network, at)}/{length}")
        at += size
    return out


FUNCTIONS: dict[str, Function] = {
    "cidrcontains": pure(_contains, STRING, STRING),
    "cidrhost": pure(_host, STRING, NUMBER),
    "cidrnetmask": pure(_netmask, STRING),
    "cidrsubnet": pure(_subnet, STRING, NUMBER, NUMBER),
    "cidrsubnets": pure(_subnets, STRING, variadic=NUMBER),
}
