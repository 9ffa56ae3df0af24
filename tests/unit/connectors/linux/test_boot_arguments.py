"""The kernel's command line: secrets masked, what points to them shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xspm.connectors.linux.boot_arguments import arguments
from xspm.connectors.linux.redact import MASK

DISK = "f1d1a5c5-0a1b-4c3d-8e7f-112233445566"


@pytest.mark.parametrize(
    "word",
    [
        "rd.luks.key=/keyfile",
        f"rd.luks.key=/keys/Abc9Def8Ghi7Jkl6Mno5Pqr4.key:UUID={DISK}",
        f"rd.luks.key={DISK}=/keys/Abc9Def8Ghi7Jkl6Mno5Pqr4.key:LABEL=stick",
        f"luks.options={DISK}=discard,keyfile-offset=4",
        "cryptkey=/dev/sda1:ext4:/secret.key",
        "cryptkey=/dev/sdb:2048:64",
        "cryptkey=rootfs:/keyfile.bin",
        "cryptkey=UUID=A1B2-C3D4:vfat:/k",
        "cryptkey=exec:/bin/unseal",
        "rd.luks.key=none",
        "cryptopts=target=x,source=/dev/sda,key=/x,keyscript=/y",
        "roothash=4f2a8c9d3e5b6a7f1029384756aabbccddeeff00112233445566778899aabbcc",
        "ip=10.0.0.2::10.0.0.1:255.255.255.0:host:eth0:off",
        "netroot=iscsi:@10.0.0.1::::iqn.x",
        "rootflags=subvol=@",
        "vconsole.keymap=us",
        "module.sig_enforce=1",
        '"dyndbg=file drivers/usb/* +p"',
    ],
)
def test_what_is_no_secret_is_shown(word: str) -> None:
    assert arguments(word) == [word]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("rd.luks.key=hunter22", f"rd.luks.key={MASK}"),
        ("cryptkey=hunter22", f"cryptkey={MASK}"),
        ("cryptopts=target=x,key=hunter22", f"cryptopts=target=x,key={MASK}"),
        ("rootflags=user=bob,pass=hunter22,sec=ntlm", f"rootflags=user=bob,pass={MASK},sec=ntlm"),
        ("rootflags=pass=hunter22", f"rootflags=pass={MASK}"),
        ("cifsroot=//h/share,user=bob,pass=hunter22", f"cifsroot=//h/share,user=bob,pass={MASK}"),
        ("netroot=iscsi:bob:hunter22@h::::iqn.x", f"netroot=iscsi:{MASK}@h::::iqn.x"),
        ("netcfg/wireless_wpa=hunter22", f"netcfg/wireless_wpa={MASK}"),
        ("rd.iscsi.password=hunter22", f"rd.iscsi.password={MASK}"),
        ('"password=hunter22 and more"', f'"password={MASK}"'),
        ('password="hunter22 and more"', f'password="{MASK}"'),
        ('key="hunter22 and more"', f"key={MASK}"),
        ('"key=hunter22 and more"', f'"key={MASK}"'),
    ],
)
def test_secrets_are_masked(word: str, expected: str) -> None:
    assert arguments(f"ro {word} quiet") == ["ro", expected, "quiet"]


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    assert len(arguments(text)) <= len(text)
