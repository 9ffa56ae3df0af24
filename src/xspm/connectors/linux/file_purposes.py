"""Which paths matter and what for: patterns by purpose, as data."""

from __future__ import annotations

from typing import Final

PURPOSES: Final[dict[str, tuple[str, ...]]] = {
    "account_database": ("/etc/passwd", "/etc/passwd-", "/etc/group", "/etc/group-"),
    "shadow_database": ("/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-"),
    "password_history": ("/etc/security/opasswd", "/etc/security/opasswd.old"),
    "login_shells": ("/etc/shells",),
    "sshd_config": ("/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/*.conf"),
    "ssh_host_private_key": ("/etc/ssh/ssh_host_*_key",),
    "ssh_host_public_key": ("/etc/ssh/ssh_host_*_key.pub",),
    "boot_loader_config": (
        *("/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/boot/grub2/user.cfg", "/boot/grub2/grubenv"),
        *("/boot/grub/grubenv", "/boot/efi/EFI/*/grub.cfg", "/boot/efi/EFI/*/user.cfg", "/boot/loader/loader.conf"),
        *("/boot/extlinux/extlinux.conf", "/boot/extlinux.conf", "/efi/loader/loader.conf", "/etc/default/grub"),
        "/etc/grub.d",
    ),
    "sudoers": ("/etc/sudoers", "/etc/sudoers.d", "/etc/sudoers.d/*", "/usr/etc/sudoers", "/etc/doas.conf"),
    "pam_config": ("/etc/pam.d/*", "/etc/pam.conf", "/etc/security/*.conf"),
    "login_config": (
        *("/etc/login.defs", "/etc/profile", "/etc/profile.d/*.sh", "/etc/bash.bashrc", "/etc/bashrc"),
        *("/etc/environment", "/etc/securetty", "/etc/zsh/*"),
    ),
    "cron": (
        *("/etc/crontab", "/etc/anacrontab", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly"),
        *("/etc/cron.monthly", "/etc/cron.yearly", "/etc/cron.d", "/etc/cron.d/*", "/var/spool/cron"),
        *("/var/spool/cron/crontabs", "/var/spool/cron/crontabs/*", "/var/spool/at", "/var/spool/cron/atjobs"),
        *("/etc/cron.hourly/*", "/etc/cron.daily/*", "/etc/cron.weekly/*", "/etc/cron.monthly/*"),
    ),
    "cron_access": ("/etc/cron.allow", "/etc/cron.deny", "/etc/at.allow", "/etc/at.deny"),
    "audit_config": ("/etc/audit", "/etc/audit/*.conf", "/etc/audit/*.rules", "/etc/audit/rules.d/*.rules"),
    "audit_log": ("/var/log/audit", "/var/log/audit/*"),
    "audit_tool": tuple(
        f"{folder}/{name}"
        for folder in ("/sbin", "/usr/sbin")
        for name in ("auditctl", "aureport", "ausearch", "autrace", "auditd", "augenrules")
    ),
    "log_file": ("/var/log/*", "/var/log/*/*"),
    "log_directory": ("/var/log", "/var/log/journal"),
    "log_config": (
        *("/etc/rsyslog.conf", "/etc/rsyslog.d/*", "/etc/systemd/journald.conf", "/etc/logrotate.conf"),
        *("/etc/syslog-ng/syslog-ng.conf", "/etc/systemd/journald.conf.d/*"),
    ),
    "banner": ("/etc/motd", "/etc/issue", "/etc/issue.net"),
    "private_key": (
        *("/etc/ssl/private", "/etc/ssl/private/*", "/etc/pki/tls/private/*", "/etc/letsencrypt/archive/*/privkey*"),
        *("/etc/nginx/*.key", "/etc/nginx/ssl/*.key", "/etc/apache2/ssl/*.key", "/etc/httpd/conf/ssl.key/*"),
        *("/etc/wireguard/*", "/etc/ipsec.secrets", "/etc/openvpn/*.key", "/etc/openvpn/server/*.key"),
        *("/etc/ppp/*-secrets", "/etc/krb5.keytab", "/etc/luks/*", "/etc/cryptsetup-keys.d/*"),
    ),
    "kernel_config": ("/etc/sysctl.conf", "/etc/sysctl.d/*", "/etc/modprobe.d/*", "/etc/modules-load.d/*"),
    "mount_config": ("/etc/fstab", "/etc/crypttab", "/etc/exports"),
    "repository_config": (
        *("/etc/apt/sources.list", "/etc/apt/sources.list.d/*", "/etc/apt/trusted.gpg.d/*", "/etc/apt/keyrings/*"),
        *("/etc/apt/apt.conf.d/*", "/etc/yum.repos.d/*", "/etc/dnf/dnf.conf", "/etc/yum.conf", "/etc/pki/rpm-gpg/*"),
        *("/etc/zypp/repos.d/*", "/etc/zypp/zypp.conf", "/etc/apk/repositories", "/etc/apk/keys/*"),
    ),
    "repository_credentials": (
        *("/etc/apt/auth.conf", "/etc/apt/auth.conf.d/*", "/etc/zypp/credentials.d/*", "/etc/dnf/vars/*"),
    ),
    "service_config": ("/etc/systemd/system/*.service", "/etc/systemd/system/*.timer", "/etc/init.d/*"),
    "name_resolution": (
        *("/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/hosts.allow", "/etc/hosts.deny"),
        *("/etc/hostname", "/etc/ld.so.conf", "/etc/ld.so.preload"),
    ),
    "host_trust_file": ("/etc/hosts.equiv", "/etc/shosts.equiv", "/etc/ssh/shosts.equiv"),
    "docker_socket": ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock"),
    "docker_config": (
        *("/etc/docker", "/etc/docker/daemon.json", "/etc/docker/certs.d/*/*", "/etc/default/docker"),
        *("/usr/lib/systemd/system/docker.service", "/lib/systemd/system/docker.service"),
        *("/usr/lib/systemd/system/docker.socket", "/lib/systemd/system/docker.socket", "/etc/containerd/config.toml"),
    ),
    "kubernetes_config": (
        *("/etc/kubernetes/*.conf", "/etc/kubernetes/manifests/*", "/etc/kubernetes/pki/*.key"),
        *("/etc/kubernetes/pki/*.crt", "/etc/kubernetes/pki/etcd/*.key", "/var/lib/kubelet/config.yaml"),
        *("/etc/rancher/k3s/k3s.yaml", "/etc/rancher/k3s/config.yaml", "/var/lib/rancher/k3s/server/token"),
    ),
    "root_home": ("/root",),
    "program_directory": ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"),
    "library_directory": ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"),
    "temporary_directory": ("/tmp", "/var/tmp", "/dev/shm"),  # noqa: S108 - looked at, not used
}
"""Patterns by purpose; the first purpose that finds a path keeps it."""

HOME_PURPOSES: Final[dict[str, tuple[str, ...]]] = {
    "user_ssh_directory": (".ssh",),
    "user_authorized_keys": (".ssh/authorized_keys", ".ssh/authorized_keys2"),
    "user_private_key": (".ssh/id_*", ".gnupg/private-keys-v1.d"),
    "user_trust_file": (".rhosts", ".shosts", ".netrc", ".forward", ".pgpass", ".my.cnf", ".aws/credentials"),
    "user_startup_file": (
        *(".profile", ".bash_profile", ".bash_login", ".bashrc", ".bash_logout", ".zshrc", ".zprofile", ".zshenv"),
        *(".kshrc", ".cshrc", ".tcshrc", ".login", ".bash_history"),
    ),
}
"""Patterns below the home of each person and of root."""

HOMES: Final = ("/root", "/home/*")
"""Where homes lie that a collector script looks at without asking; homes elsewhere cost it another round trip."""
