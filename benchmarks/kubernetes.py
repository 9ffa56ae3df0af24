"""Kubernetes manifests: CPU, memory and kinds of finding of xspm and Checkov on the same generated files, at three sizes.

`benchmarks/kubernetes.py [DOCUMENTS…]` (default 425 850 1700). The manifests are made from a fixed seed after public repositories of them (the examples
of Kubernetes, of policy engines, and test ranges: 1,744 documents with 35,442 lines): about four documents to a file and 21 lines to a document; of ten
objects three are Pods, two Deployments, one a Service, the rest of all kinds, RBAC included; three of four name no namespace; labels repeat
(`app: nginx`); most pods have one container, half of them with a security context, good or bad. Both tools run in turn and print their findings as
JSON. Prints a table and the ratios, and how cost grows with size.
"""

from __future__ import annotations

import itertools
import os
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
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # both tools run as they are installed, with their byte code
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
    kind = chance.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))[0]
    app = chance.choice(_APPS)
    metadata: dict[str, Any] = {"name": f"{app}-{number}"}
    if chance.random() < 0.25:
        metadata["namespace"] = chance.choice(["prod", "staging", "kube-system", "team-a"])
    if chance.random() < 0.7:
        metadata["labels"] = {"app": app}
    maker = _MAKERS.get(kind)
    if maker is None:
        return _workload(chance, kind, app, metadata)
    return {"apiVersion": maker[0], "kind": kind, "metadata": metadata, **maker[1](chance, app)}


_APPS = ("nginx", "busybox", "redis", "web", "api", "frontend", "backend", "mysql", "test", "worker")
_WEIGHTS = {
    "Pod": 30,
    "Deployment": 20,
    "Service": 10,
    "ConfigMap": 5,
    "Namespace": 4,
    "Secret": 4,
    "ServiceAccount": 3,
    "Role": 3,
    "RoleBinding": 3,
    "ClusterRole": 3,
    "ClusterRoleBinding": 3,
    "StatefulSet": 3,
    "DaemonSet": 2,
    "CronJob": 2,
    "Job": 2,
    "NetworkPolicy": 2,
    "Ingress": 1,
}


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
        lambda c, n: {
            "spec": {
                "podSelector": c.choice([{}, {"matchLabels": {"app": n}}]),
                "policyTypes": c.choice([["Ingress"], ["Ingress", "Egress"]]),
            }
        },
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
    role = chance.choice(["cluster-admin", "view", f"{name}-role"])
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


def _workload(chance: random.Random, kind: str, app: str, metadata: dict[str, Any]) -> dict[str, Any]:
    labels = {"app": app}  # copied below, for the dumper would write an alias
    count = chance.choices([1, 2, 3], weights=[80, 15, 5])[0]
    pod: dict[str, Any] = {
        "metadata": {"labels": dict(labels)},
        "spec": {"containers": [_container(chance, app, index) for index in range(count)]},
    }
    spec = pod["spec"]
    if chance.random() < 0.1:
        spec["initContainers"] = [_container(chance, app, 9)]
    if chance.random() < 0.2:
        spec.update(chance.choice([{"hostNetwork": True}, {"hostPID": True}, {"hostIPC": True}]))
    if chance.random() < 0.2:
        spec["volumes"] = [
            {"name": "host", "hostPath": {"path": chance.choice(["/", "/var/run/docker.sock", "/var/log"])}}
        ]
    if chance.random() < 0.25:
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
    selector = {"matchLabels": labels}
    outer: dict[str, Any] = {"selector": selector, "template": pod}
    if kind != "DaemonSet":
        outer["replicas"] = chance.randint(1, 5)
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": outer}


def _container(chance: random.Random, app: str, index: int) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": f"{app}-{index}",
        "image": chance.choice(
            ["nginx", "nginx:latest", "redis:7.2", "ghcr.io/acme/app:1.4.2", "quay.io/acme/job@sha256:" + "a" * 64]
        ),
    }
    if chance.random() < 0.5:
        container["ports"] = [{"containerPort": 8000 + index}]
    if chance.random() < 0.3:
        container["env"] = [{"name": "MODE", "value": "x"}]
        if chance.random() < 0.3:
            container["env"].append({"name": "DB_PASSWORD", "value": "hunter2hunter2"})
    if chance.random() < 0.2:
        container["command"] = ["sh", "-c", "sleep 3600"]
    if chance.random() < 0.5:
        container["securityContext"] = chance.choice(
            [
                {"privileged": True},
                {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
                {"runAsUser": 0},
                {"capabilities": {"add": ["SYS_ADMIN"]}},
                {"runAsNonRoot": True, "runAsUser": 10001},
            ]
        )
    if chance.random() < 0.4:
        container["resources"] = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}
    if chance.random() < 0.2:
        container["livenessProbe"] = {"httpGet": {"path": "/", "port": 8000 + index}}
    return container


if __name__ == "__main__":
    main()
