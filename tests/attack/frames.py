"""frames: what a payload with CAP_NET_RAW sends to be taken for somebody else: python3 - INTERFACE ADDRESS ADDRESS6 GATEWAY-MAC
[NAME...] <frames.py

Each frame carries the text "FRAME-its name." somewhere in its data, so that who listens can say which got through. The names of all
are printed, a line each; with NAMEs, only those are sent. ADDRESS6 may be "none". Those whose names begin with "own-" are
the sandbox's own, and are to pass.
"""
import socket
import struct
import sys
import time

HOP, UDP, IPV6, ROUTING, FRAGMENT, ICMP6, DESTINATION = 0, 17, 41, 43, 44, 58, 60
IP, ARP, IP6, VLAN, QINQ = 0x0800, 0x0806, 0x86DD, 0x8100, 0x88A8
OTHER, OTHER_MAC = "10.88.0.77", bytes.fromhex("020000000077")
OTHER6, ALL = "fd00:88::77", b"\xff" * 6
# Where the name goes: packets are trimmed to the length that they say they have.
NAME = b"@" * 40
number = 1  # of the packet that fragments are of


def total(data):
    data += b"\0" * (len(data) % 2)
    value = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while value >> 16:
        value = (value & 0xFFFF) + (value >> 16)
    return value ^ 0xFFFF


def ether(kind, data, source=None, to=None):
    return (to or ALL) + (source or mac) + struct.pack("!H", kind) + data


def arp(operation, sender_mac, sender, target_mac, target):
    return ether(ARP, struct.pack("!HHBBH", 1, IP, 6, 4, operation) + sender_mac + socket.inet_aton(sender) + target_mac +
                 socket.inet_aton(target))


def ip4(source, to, protocol, data, options=b"", fragment=0):
    data += NAME
    head = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, 0, 20 + len(options) + len(data), number, fragment, 64, protocol, 0)
    head += socket.inet_aton(source) + socket.inet_aton(to) + options
    return head[:10] + struct.pack("!H", total(head)) + head[12:] + data


def udp(source, to, data=b"x" * 24):
    return struct.pack("!HHHH", source, to, 8 + len(data), 0) + data


def ip6(source, to, following, data):
    data += NAME
    return (struct.pack("!IHBB", 6 << 28, len(data), following, 255) + socket.inet_pton(socket.AF_INET6, source) +
            socket.inet_pton(socket.AF_INET6, to) + data)


def icmp6(source, to, kind, body):
    pseudo = (socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, to) +
              struct.pack("!II", 8 + len(body) - 4, ICMP6))
    data = struct.pack("!BBH", kind, 0, 0) + body
    return struct.pack("!BBH", kind, 0, total(pseudo + data)) + body


def options(following):
    return bytes([following, 0, 1, 4, 0, 0, 0, 0])


def fragment(following, offset=0, more=0):
    return struct.pack("!BBHI", following, 0, offset << 3 | more, number)


def halves6(source, to, kind, data):
    first = data + b"\0" * (-len(data) % 8)
    return [ether(IP6, ip6(source, to, FRAGMENT, fragment(kind, 0, 1) + first)),
            ether(IP6, ip6(source, to, FRAGMENT, fragment(kind, (len(first) + len(NAME)) // 8) + b"\x02\x23" * 8))]


def old_frames():
    own, gateway = address, "10.88.0.1"
    answer = udp(67, 68, b"\x02\x01\x06\0" + b"\0" * 240)
    yield "own-arp", arp(1, mac, own, b"\0" * 6, gateway)
    yield "own-ip", ether(IP, ip4(own, gateway, UDP, udp(5000, 5000)), to=gateway_mac)
    yield "arp-gateway", arp(2, mac, gateway, ALL, own)
    yield "arp-gratuitous", arp(1, mac, gateway, b"\0" * 6, gateway)
    yield "arp-neighbour", arp(2, mac, OTHER, gateway_mac, gateway)
    yield "arp-hardware", arp(2, OTHER_MAC, own, gateway_mac, gateway)
    yield "arp-tagged", ether(VLAN, struct.pack("!HH", 0, ARP) + arp(2, mac, gateway, ALL, own)[14:])
    yield "ip-neighbour", ether(IP, ip4(OTHER, gateway, UDP, udp(5000, 5000)), to=gateway_mac)
    yield "ip-gateway", ether(IP, ip4(gateway, "10.88.255.255", UDP, udp(5000, 5000)))
    yield "ip-nobody", ether(IP, ip4("0.0.0.0", "255.255.255.255", UDP, udp(68, 67)))
    yield "ip-loopback", ether(IP, ip4("127.0.0.1", gateway, UDP, udp(5000, 5000)), to=gateway_mac)
    yield "mac-gateway", ether(IP, ip4(own, gateway, UDP, udp(5000, 5000)), source=gateway_mac)
    yield "mac-other", ether(IP, ip4(own, gateway, UDP, udp(5000, 5000)), source=OTHER_MAC, to=gateway_mac)
    for name, outer in ("vlan", VLAN), ("service", QINQ):
        for tag in 0, 1, 5:
            yield f"{name}-{tag}", ether(outer, struct.pack("!HH", tag, IP) + ip4(own, gateway, UDP, udp(5000, 5000)))
    yield "qinq", ether(QINQ, struct.pack("!HHHH", 0, VLAN, 5, IP) + ip4(own, gateway, UDP, udp(5000, 5000)))
    yield "qinq-zero", ether(VLAN, struct.pack("!HHHH", 0, VLAN, 0, IP) + ip4(own, gateway, UDP, udp(5000, 5000)))
    yield "dhcp", ether(IP, ip4(own, "255.255.255.255", UDP, answer))
    yield "dhcp-options", ether(IP, ip4(own, "255.255.255.255", UDP, answer, options=b"\1" * 8))
    yield "dhcp-first", [ether(IP, ip4(own, "255.255.255.255", UDP, answer[:200], fragment=0x2000)),
                         ether(IP, ip4(own, "255.255.255.255", UDP, answer[200:], fragment=(200 + len(NAME)) // 8))]
    yield "own-halves", [ether(IP, ip4(own, gateway, UDP, udp(5000, 5000, b"\0\x43" * 60)[:64], fragment=0x2000), to=gateway_mac),
                         ether(IP, ip4(own, gateway, UDP, b"\0\x43" * 8, fragment=(64 + len(NAME)) // 8), to=gateway_mac)]
    yield "ip-in-8023", ether(60, b"\xaa\xaa\3\0\0\0\x08\0" + ip4(OTHER, gateway, UDP, udp(5000, 5000)))
    for name, kind in ("pppoe", 0x8863), ("mpls", 0x8847), ("eapol", 0x888E), ("rarp", 0x8035), ("lldp", 0x88CC), ("ecp", 0x9000):
        yield name, ether(kind, b"\0" * 46)
    yield "cut-ip", ether(IP, ip4(own, gateway, UDP, b"")[:11])
    yield "cut-arp", ether(ARP, arp(2, mac, gateway, ALL, own)[14:26])


def new_frames():
    own, router, everybody = address6 or "fd00:88::99", "fe80::1", "ff02::1"
    prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 9000, 9000, 0) + socket.inet_pton(socket.AF_INET6, "fd66::")
    advertisement = struct.pack("!BBHII", 64, 0, 9000, 0, 0) + prefix
    router_frame = icmp6(own, everybody, 134, advertisement)
    other = socket.inet_pton(socket.AF_INET6, OTHER6)
    neighbour = icmp6(own, everybody, 136, b"\x20\0\0\0" + other + b"\2\1" + mac)
    redirect = icmp6(own, everybody, 137, b"\0" * 4 + other * 2)
    served = udp(547, 546)
    if address6:
        yield "own6-ip", ether(IP6, ip6(own, "fd00:88::1", UDP, udp(5000, 5000)), to=gateway_mac)
        yield "own6-neighbour", ether(IP6, ip6(own, everybody, ICMP6, icmp6(own, everybody, 136, b"\x20\0\0\0" +
                                      socket.inet_pton(socket.AF_INET6, own) + b"\2\1" + mac)))
        # Its second half has where the port would be 547.
        yield "own6-halves", halves6(own, "fd00:88::1", UDP, udp(5000, 5000, b"\x02\x23" * 60))
    for name, source in ("other", OTHER6), ("link-local", "fe80::77"), ("gateway", "fd00:88::1"), ("nobody", "::"):
        yield f"ip6-{name}", ether(IP6, ip6(source, everybody, UDP, udp(5000, 5000)))
    yield "ra-link-local", ether(IP6, ip6(router, everybody, ICMP6, icmp6(router, everybody, 134, advertisement)))
    for name, kind, data in ("ra", ICMP6, router_frame), ("na", ICMP6, neighbour), ("redirect", ICMP6, redirect), \
            ("dhcp6", UDP, served):
        yield name, ether(IP6, ip6(own, everybody, kind, data))
        for header, value in ("hop", HOP), ("destination", DESTINATION):
            yield f"{name}-{header}", ether(IP6, ip6(own, everybody, value, options(kind) + data))
        yield f"{name}-routing", ether(IP6, ip6(own, everybody, ROUTING, bytes([kind, 0, 0, 0, 0, 0, 0, 0]) + data))
        yield f"{name}-fragment", ether(IP6, ip6(own, everybody, FRAGMENT, fragment(kind) + data))
        yield f"{name}-first", halves6(own, everybody, kind, data)
        yield f"{name}-both", ether(IP6, ip6(own, everybody, FRAGMENT, fragment(DESTINATION) + options(kind) + data))
        yield f"{name}-twice", ether(IP6, ip6(own, everybody, FRAGMENT, fragment(FRAGMENT) + fragment(kind) + data))
    yield "cut-ip6", ether(IP6, ip6(own, everybody, UDP, b"")[:22])


interface, address, address6, gateway_mac = sys.argv[1:5]
address6 = None if address6 == "none" else address6
gateway_mac = bytes.fromhex(gateway_mac.replace(":", ""))
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as link:
    link.bind((interface, 0))
    mac = link.getsockname()[4]
    for frames in old_frames, new_frames:
        for name, frame in frames():
            if sys.argv[5:] and name not in sys.argv[5:]:
                continue
            label = f"FRAME-{name}.".encode().ljust(len(NAME))
            # What is cut short stays short.
            for part in frame if isinstance(frame, list) else [frame]:
                if not name.startswith("cut-"):
                    part = part.replace(NAME, label) if NAME in part else part + label
                link.send(part)
            number += 1
            print(name)
            time.sleep(0.002)
