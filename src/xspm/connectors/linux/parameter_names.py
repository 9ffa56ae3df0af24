"""The kernel parameters that matter for security: one name a line, as data."""

from __future__ import annotations

from typing import Final

_KERNEL: Final = """
dev.tty.ldisc_autoload
fs.protected_fifos
fs.protected_hardlinks
fs.protected_regular
fs.protected_symlinks
fs.suid_dumpable
kernel.core_pattern
kernel.core_uses_pid
kernel.ctrl-alt-del
kernel.dmesg_restrict
kernel.io_uring_disabled
kernel.kexec_load_disabled
kernel.kptr_restrict
kernel.modules_disabled
kernel.panic
kernel.panic_on_oops
kernel.perf_event_paranoid
kernel.randomize_va_space
kernel.sysrq
kernel.unprivileged_bpf_disabled
kernel.unprivileged_userns_clone
kernel.apparmor_restrict_unprivileged_userns
kernel.yama.ptrace_scope
net.core.bpf_jit_harden
user.max_user_namespaces
vm.mmap_min_addr
vm.mmap_rnd_bits
vm.unprivileged_userfaultfd
"""
_IPV4: Final = """
icmp_echo_ignore_all
icmp_echo_ignore_broadcasts
icmp_ignore_bogus_error_responses
ip_forward
tcp_rfc1337
tcp_syncookies
tcp_timestamps
"""
_IPV4_CONF: Final = """
accept_redirects
accept_source_route
arp_announce
arp_ignore
bootp_relay
drop_gratuitous_arp
forwarding
log_martians
proxy_arp
route_localnet
rp_filter
secure_redirects
send_redirects
"""
_IPV6_CONF: Final = """
accept_ra
accept_ra_defrtr
accept_ra_pinfo
accept_ra_rtr_pref
accept_redirects
accept_source_route
autoconf
dad_transmits
disable_ipv6
forwarding
max_addresses
router_solicitations
use_tempaddr
"""

NAMES: Final[tuple[str, ...]] = tuple(
    sorted(
        {
            *_KERNEL.split(),
            *(f"net.ipv4.{name}" for name in _IPV4.split()),
            *(f"net.ipv4.conf.{scope}.{name}" for scope in ("all", "default") for name in _IPV4_CONF.split()),
            *(f"net.ipv6.conf.{scope}.{name}" for scope in ("all", "default") for name in _IPV6_CONF.split()),
        }
    )
)
"""Every name there is a resource for, sorted."""
