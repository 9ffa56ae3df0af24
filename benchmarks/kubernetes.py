"""Kubernetes manifests: CPU, memory and kinds of finding of xspm and Checkov on the same generated files, at three sizes.

`benchmarks/kubernetes.py [DOCUMENTS…]` (default 425 850 1700). The manifests are made from a fixed seed: workloads of every kind good and bad, services,
RBAC, config maps, secrets, network policies, ingresses. Both tools run in turn. Prints a table and the ratios, and how cost grows with size.
"""

from __future__ import annotations

import itertools
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import yaml

from measuring import XSPM, Cost, alternate, peer

CHECKOV = "checkov==3.3.30"
PER_FILE = 4.25


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [425, 850, 1700]
    checkov = peer("checkov", CHECKOV) / "checkov"
    print(f"{'documents':>9}  {'tool':<8}{'wall s':>8}{'CPU s':>8}{'MB':>7}{'findings':>10}{'kinds':>7}")
    growth: dict[str, list[float]] = {"xspm": [], "checkov": []}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            generate(Path(folder), size)
            costs = alternate(
                {
                    "xspm": [str(XSPM), "scan", folder, "--fail-on", "never", "-o", "json"],
                    "checkov": [
                        str(checkov),
                        "-d",
                        folder,
                        "--framework",
                        "kubernetes",
                        "--skip-download",
                        "--compact",
                        "-o",
                        "json",
                    ],
                },
                rounds=1 if size > 1000 else 2,
            )
        for name, cost in costs.items():
            findings, kinds = (_ours if name == "xspm" else _theirs)(cost)
            growth[name].append(cost.cpu)
            print(
                f"{size:>9}  {name:<8}{cost.wall:>8.2f}{cost.cpu:>8.2f}{cost.memory:>7.0f}{findings:>10}{len(kinds):>7}",
                flush=True,
            )
        print(f"{'':>9}  ratio of CPU: {costs['checkov'].cpu / costs['xspm'].cpu:.1f} x", flush=True)
    for name, cpus in growth.items():
        steps = ", ".join(f"{b / a:.2f}" for a, b in itertools.pairwise(cpus))
        print(
            f"{name}: CPU grows by {steps} as documents grow by {', '.join(f'{b / a:.2f}' for a, b in itertools.pairwise(sizes))}"
        )


def _ours(cost: Cost) -> tuple[int, set[str]]:
    report: Any = msgspec.json.decode(cost.output)
    failing = [
        verdict["check"]
        for assessment in report["assessments"]
        for verdict in assessment["verdicts"]
        if verdict["status"] == "fail"
    ]
    return len(failing), set(failing)


def _theirs(cost: Cost) -> tuple[int, set[str]]:
    report: Any = msgspec.json.decode(cost.output)
    results = report["results"] if isinstance(report, dict) else report[0]["results"]
    failing = [found["check_id"] for found in results["failed_checks"]]
    return len(failing), set(failing)


def generate(folder: Path, documents: int) -> None:
    """Write about `documents` Kubernetes objects into files below `folder`."""
    chance = random.Random(20260101)  # noqa: S311 - test data
    files = max(1, round(documents / PER_FILE))
    made = 0
    for index in range(files):
        count = (documents - made) // (files - index)
        objects = [_object(chance, made + number) for number in range(count)]
        made += count
        place = folder / f"team-{index % 20}" / f"app-{index}.yaml"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(yaml.dump_all(objects, Dumper=yaml.CSafeDumper, sort_keys=False))


def _object(chance: random.Random, number: int) -> dict[str, Any]:
    kind = chance.choices(
        [
            "Deployment",
            "StatefulSet",
            "DaemonSet",
            "CronJob",
            "Job",
            "Pod",
            "Service",
            "ConfigMap",
            "Secret",
            "Role",
            "RoleBinding",
            "ClusterRole",
            "ClusterRoleBinding",
            "NetworkPolicy",
            "Ingress",
            "ServiceAccount",
            "Namespace",
        ],
        weights=[20, 5, 4, 5, 4, 8, 12, 8, 5, 4, 4, 3, 3, 4, 4, 5, 2],
    )[0]
    name = f"{kind.lower()}-{number}"
    namespace = chance.choice(["default", "prod", "staging", "kube-system", "team-a"])
    metadata: dict[str, Any] = {"name": name, "namespace": namespace, "labels": {"app": name}}
    maker = _MAKERS.get(kind)
    if maker is None:
        return _workload(chance, kind, metadata)
    return {"apiVersion": maker[0], "kind": kind, "metadata": metadata, **maker[1](chance, name)}


_MAKERS: dict[str, tuple[str, Any]] = {
    "Service": (
        "v1",
        lambda c, n: {
            "spec": {
                "selector": {"app": n},
                "type": c.choice(["ClusterIP", "NodePort", "LoadBalancer"]),
                "ports": [{"port": 80}],
            }
        },
    ),
    "ConfigMap": (
        "v1",
        lambda c, n: {"data": {f"key-{i}": f"value of {n} {i}" * c.randint(1, 6) for i in range(c.randint(1, 8))}},
    ),
    "Secret": ("v1", lambda _, n: {"type": "Opaque", "stringData": {"password": f"secret of {n}"}}),
    "Role": ("rbac.authorization.k8s.io/v1", lambda c, _: {"rules": _rules(c)}),
    "ClusterRole": ("rbac.authorization.k8s.io/v1", lambda c, _: {"rules": _rules(c)}),
    "RoleBinding": ("rbac.authorization.k8s.io/v1", lambda c, n: _binding(c, n, "Role")),
    "ClusterRoleBinding": ("rbac.authorization.k8s.io/v1", lambda c, n: _binding(c, n, "ClusterRole")),
    "NetworkPolicy": (
        "networking.k8s.io/v1",
        lambda c, _: {"spec": {"podSelector": {}, "policyTypes": c.choice([["Ingress"], ["Ingress", "Egress"]])}},
    ),
    "Ingress": (
        "networking.k8s.io/v1",
        lambda c, n: {
            "spec": {
                "tls": [{"hosts": ["x.example.org"]}] if c.random() < 0.5 else [],
                "rules": [
                    {
                        "host": f"{n}.example.org",
                        "http": {
                            "paths": [
                                {
                                    "path": "/",
                                    "pathType": "Prefix",
                                    "backend": {"service": {"name": n, "port": {"number": 80}}},
                                }
                            ]
                        },
                    }
                ],
            }
        },
    ),
    "ServiceAccount": ("v1", lambda c, _: {"automountServiceAccountToken": c.random() < 0.5}),
    "Namespace": ("v1", lambda _c, _n: {}),
}


def _rules(chance: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "apiGroups": chance.choice([[""], ["apps"], ["*"]]),
            "resources": chance.choice([["pods"], ["secrets"], ["*"], ["deployments", "pods/exec"], ["configmaps"]]),
            "verbs": chance.choice([["get", "list"], ["*"], ["create", "patch"], ["escalate", "bind"]]),
        }
        for _ in range(chance.randint(1, 3))
    ]


def _binding(chance: random.Random, name: str, kind: str) -> dict[str, Any]:
    role = chance.choice(["cluster-admin", "view", f"{kind.lower()}-{name.rpartition('-')[2]}"])
    subject = chance.choice(
        [
            {"kind": "ServiceAccount", "name": "default", "namespace": "prod"},
            {"kind": "Group", "name": "system:authenticated"},
            {"kind": "User", "name": "jane"},
        ]
    )
    return {
        "subjects": [subject],
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": kind if role != "cluster-admin" else "ClusterRole",
            "name": role,
        },
    }


def _workload(chance: random.Random, kind: str, metadata: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = {
        "metadata": {"labels": metadata["labels"]},
        "spec": {"containers": [_container(chance, index) for index in range(chance.randint(1, 3))]},
    }
    spec = pod["spec"]
    if chance.random() < 0.3:
        spec["initContainers"] = [_container(chance, 9)]
    if chance.random() < 0.2:
        spec.update(chance.choice([{"hostNetwork": True}, {"hostPID": True}, {"hostIPC": True}]))
    if chance.random() < 0.2:
        spec["volumes"] = [
            {"name": "host", "hostPath": {"path": chance.choice(["/", "/var/run/docker.sock", "/var/log"])}}
        ]
    if chance.random() < 0.5:
        spec["securityContext"] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    if kind == "Pod":
        return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec}
    if kind in {"Job", "CronJob"}:
        spec["restartPolicy"] = "Never"
    if kind == "CronJob":
        job = {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": pod}}}
        return {"apiVersion": "batch/v1", "kind": kind, "metadata": metadata, "spec": job}
    if kind == "Job":
        return {"apiVersion": "batch/v1", "kind": kind, "metadata": metadata, "spec": {"template": pod}}
    selector = {"matchLabels": metadata["labels"]}
    outer: dict[str, Any] = {"selector": selector, "template": pod}
    if kind != "DaemonSet":
        outer["replicas"] = chance.randint(1, 5)
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": outer}


def _container(chance: random.Random, index: int) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": f"c{index}",
        "image": chance.choice(
            ["nginx", "nginx:latest", "redis:7.2", "ghcr.io/acme/app:1.4.2", "quay.io/acme/job@sha256:" + "a" * 64]
        ),
        "ports": [{"containerPort": 8000 + index}],
        "env": [{"name": "MODE", "value": "x"}]
        + ([{"name": "DB_PASSWORD", "value": "hunter2hunter2"}] if chance.random() < 0.1 else []),
    }
    if chance.random() < 0.6:
        container["securityContext"] = chance.choice(
            [
                {"privileged": True},
                {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
                {"runAsUser": 0},
                {"capabilities": {"add": ["SYS_ADMIN"]}},
                {"runAsNonRoot": True, "runAsUser": 10001},
            ]
        )
    if chance.random() < 0.5:
        container["resources"] = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}
    if chance.random() < 0.4:
        container["livenessProbe"] = {"httpGet": {"path": "/", "port": 8000 + index}}
    return container


if __name__ == "__main__":
    main()
