"""When each release of a distribution stops getting free security updates from its publisher.

Dates are the publishers' own, as announced: https://wiki.debian.org/LTS, https://ubuntu.com/about/release-cycle,
https://access.redhat.com/support/policy/updates/errata, https://alpinelinux.org/releases/ and their likes.
"""

from __future__ import annotations

from typing import Final

from xspm.model.unknown import Maybe, Unknown

ROLLING: Final = frozenset({"arch", "gentoo", "kali", "manjaro", "opensuse-tumbleweed", "void"})
"""Distributions without releases that could end."""

END_OF_LIFE: Final[dict[str, dict[str, str]]] = {
    "almalinux": {"8": "2029-03-01", "9": "2032-05-31", "10": "2035-05-31"},
    "alpine": {
        "3.12": "2022-05-01",
        "3.13": "2022-11-01",
        "3.14": "2023-05-01",
        "3.15": "2023-11-01",
        "3.16": "2024-05-23",
        "3.17": "2024-11-22",
        "3.18": "2025-05-09",
        "3.19": "2025-11-01",
        "3.20": "2026-04-01",
        "3.21": "2026-11-01",
        "3.22": "2027-05-01",
        "3.23": "2027-11-01",
    },
    "amzn": {"2": "2026-06-30", "2018": "2020-12-31", "2023": "2029-06-30"},
    "centos": {"6": "2020-11-30", "7": "2024-06-30", "8": "2024-05-31", "9": "2027-05-31", "10": "2030-01-01"},
    "debian": {
        "7": "2018-05-31",
        "8": "2020-06-30",
        "9": "2022-06-30",
        "10": "2024-06-30",
        "11": "2026-08-31",
        "12": "2028-06-30",
        "13": "2030-06-30",
    },
    "fedora": {
        "37": "2023-12-05",
        "38": "2024-05-21",
        "39": "2024-11-26",
        "40": "2025-05-13",
        "41": "2025-12-15",
        "42": "2026-05-13",
        "43": "2026-12-02",
    },
    "ol": {"6": "2021-03-31", "7": "2024-12-31", "8": "2029-07-31", "9": "2032-06-30", "10": "2035-06-30"},
    "opensuse-leap": {
        "15.3": "2022-12-31",
        "15.4": "2023-12-07",
        "15.5": "2024-12-31",
        "15.6": "2026-04-30",
        "16.0": "2027-10-31",
    },
    "raspbian": {"10": "2024-06-30", "11": "2026-08-31", "12": "2028-06-30", "13": "2030-06-30"},
    "rhel": {"6": "2020-11-30", "7": "2024-06-30", "8": "2029-05-31", "9": "2032-05-31", "10": "2035-05-31"},
    "rocky": {"8": "2029-05-31", "9": "2032-05-31", "10": "2035-05-31"},
    "sles": {
        "12.5": "2024-10-31",
        "15.3": "2022-12-31",
        "15.4": "2023-12-31",
        "15.5": "2024-12-31",
        "15.6": "2025-12-31",
        "15.7": "2031-07-31",
        "16.0": "2027-11-30",
    },
    "ubuntu": {
        "14.04": "2019-04-25",
        "16.04": "2021-04-30",
        "18.04": "2023-05-31",
        "20.04": "2025-05-31",
        "22.04": "2027-04-30",
        "23.04": "2024-01-25",
        "23.10": "2024-07-11",
        "24.04": "2029-05-31",
        "24.10": "2025-07-10",
        "25.04": "2026-01-15",
        "25.10": "2026-07-31",
    },
}
"""By `ID` and `VERSION_ID` of os-release, or its first one or two parts."""


def end_of_life(name: str | None, version: str | None) -> Maybe[str | None]:
    """Return the last second of support as an RFC 3339 timestamp; null for what has no end."""
    if name in ROLLING or (name == "debian" and version is None):
        return None
    releases = END_OF_LIFE.get(name or "", {})
    parts = (version or "").split(".")
    for candidate in (version or "", ".".join(parts[:2]), parts[0]):
        if candidate in releases:
            return f"{releases[candidate]}T23:59:59Z"
    return Unknown(f"xspm does not know when {name or 'this system'} {version or ''} ends".rstrip(), cause="missing")
