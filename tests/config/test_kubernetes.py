"""deploy/kubernetes/: no cluster can be run here, so this reads the manifests: that they agree with each other and with the
programs. What a cluster would refuse for its form alone is beyond it."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "deploy/kubernetes").glob("*.yml"))
NAMESPACE = "metrics-workshop"
NAME = "app.kubernetes.io/name"
POSTGRES_LEAVES = 97  # max_connections is 100, three of them for superusers

OBJECTS = {(found["kind"], found["metadata"]["name"]): found for path in FILES for found in yaml.safe_load_all(path.read_text())}
DEPLOYMENTS = [found for (kind, _), found in OBJECTS.items() if kind == "Deployment"]
PROGRAMS = [OBJECTS["Deployment", name] for name in ("frontend", "backend")]
SERVICES = [found for (kind, _), found in OBJECTS.items() if kind == "Service"]


def by_name(found):
    return found["metadata"]["name"]


every = pytest.mark.parametrize
deployments = every("deployment", DEPLOYMENTS, ids=by_name)
programs = every("deployment", PROGRAMS, ids=by_name)


def template(deployment):
    return deployment["spec"]["template"]


def container(deployment):
    [only] = template(deployment)["spec"]["containers"]
    return only


def flag(deployment, name):
    """The number behind a flag of the program."""
    arguments = container(deployment)["args"]
    return int(arguments[arguments.index(name) + 1])


def bytes_of(quantity):
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", quantity).groups()
    return int(number) << {"Mi": 20, "Gi": 30}[unit]


def prometheus_config():
    return OBJECTS["ConfigMap", "prometheus"]["data"]["prometheus.yml"]


def pods_job():
    [job] = [job for job in yaml.safe_load(prometheus_config())["scrape_configs"] if job["job_name"] == "pods"]
    return job


# Form

@every("path", FILES, ids=lambda path: path.name)
def test_each_file_says_that_it_was_not_run(path):
    assert path.read_text().startswith("# Not run by the tests")


def test_every_object_has_a_name_of_its_own_in_the_namespace():
    count = sum(1 for path in FILES for _ in yaml.safe_load_all(path.read_text()))
    assert len(OBJECTS) == count
    for (kind, name), found in OBJECTS.items():
        assert found["apiVersion"] and re.fullmatch(r"[a-z][a-z0-9-]*", name)
        assert kind == "Namespace" or found["metadata"]["namespace"] == NAMESPACE
    assert ("Namespace", NAMESPACE) in OBJECTS


# Who belongs to whom

@deployments
def test_a_deployment_selects_its_own_pods(deployment):
    labels = template(deployment)["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
    others = [other for other in DEPLOYMENTS if other is not deployment]
    assert not [other for other in others if labels.items() <= template(other)["metadata"]["labels"].items()]


@every("service", SERVICES, ids=by_name)
def test_a_service_leads_to_one_deployment_and_to_ports_that_it_has(service):
    [chosen] = [found for found in DEPLOYMENTS
                if service["spec"]["selector"].items() <= template(found)["metadata"]["labels"].items()]
    names = {port["name"] for port in container(chosen)["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


@every("kind, name", [("HorizontalPodAutoscaler", "frontend"), ("ScaledObject", "backend")])
def test_an_autoscaler_has_its_deployment_to_itself(kind, name):
    scaled = OBJECTS[kind, name]["spec"]["scaleTargetRef"]["name"]
    assert "replicas" not in OBJECTS["Deployment", scaled]["spec"]  # each apply would contradict it


def test_the_disruption_budget_is_the_frontends():
    selector = OBJECTS["PodDisruptionBudget", "frontend"]["spec"]["selector"]["matchLabels"]
    assert selector == OBJECTS["Deployment", "frontend"]["spec"]["selector"]["matchLabels"]


def test_prometheus_may_see_pods():
    role, binding = OBJECTS["Role", "prometheus"], OBJECTS["RoleBinding", "prometheus"]
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]
    assert binding["roleRef"]["name"] == by_name(role)
    [subject] = binding["subjects"]
    account = template(OBJECTS["Deployment", "prometheus"])["spec"]["serviceAccountName"]
    assert (subject["kind"], subject["name"]) == ("ServiceAccount", account)
    assert ("ServiceAccount", account) in OBJECTS


# The programs

@programs
def test_flags_and_variables_are_the_programs_own(deployment):
    word, *flags = container(deployment)["args"]
    table = (ROOT / word / "main.c").read_text()
    for name in flags[::2]:
        assert f'{{"{name.removeprefix("--")}",' in table
    given = {variable["name"] for variable in container(deployment)["env"]} | OBJECTS["Secret", "settings"]["stringData"].keys()
    assert given <= set(re.findall(r'"([A-Z_]+)", SETTING', table))
    [reference] = container(deployment)["envFrom"]
    assert reference == {"secretRef": {"name": "settings"}}


@programs
def test_it_listens_where_its_port_is(deployment):
    listen = {variable["name"]: variable["value"] for variable in container(deployment)["env"]}["LISTEN"]
    [port] = container(deployment)["ports"]
    assert listen == f"0.0.0.0:{port['containerPort']}"
    annotations = template(deployment)["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(port["containerPort"])
    assert annotations["prometheus.io/path"] == "/metrics"


@programs
def test_probes_ask_for_pages_that_there_are(deployment):
    pages = re.findall(r'"GET", "(/\w+)"', (ROOT / "common/http/builtin.h").read_text())
    [port] = container(deployment)["ports"]
    for probe, page in (("livenessProbe", "/health"), ("readinessProbe", "/ready")):
        asked = container(deployment)[probe]["httpGet"]
        assert asked == {"path": page, "port": port["name"]} and page in pages
        assert container(deployment)[probe]["timeoutSeconds"] < container(deployment)[probe]["periodSeconds"]


@programs
def test_there_is_time_to_finish(deployment):
    """For the pause before, for all stages of the shutdown, and for one job of the longest delay that the workshop knows."""
    stages = re.findall(r"#define STAGE_\w+_LIMIT_MS\s+(\d+)", (ROOT / "common/loop/loop.h").read_text())
    assert len(stages) == 3
    before = container(deployment).get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["sleep", "0"])
    needed = int(before[1]) + sum(map(int, stages)) / 1000
    assert template(deployment)["spec"]["terminationGracePeriodSeconds"] >= needed + 0.5


@deployments
def test_it_can_do_no_harm(deployment):
    pod, inner = template(deployment)["spec"]["securityContext"], container(deployment)["securityContext"]
    assert pod["runAsNonRoot"] and pod["runAsUser"] > 0 and pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert inner == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


@programs
def test_the_programs_have_no_account(deployment):
    assert template(deployment)["spec"]["automountServiceAccountToken"] is False


@deployments
def test_memory_is_asked_for_and_bounded(deployment):
    resources = container(deployment)["resources"]
    assert bytes_of(resources["requests"]["memory"]) <= bytes_of(resources["limits"]["memory"])
    assert "cpu" in resources["requests"] and "cpu" not in resources["limits"]


@deployments
def test_images_are_those_of_compose(deployment):
    compose = (ROOT / "docker-compose.yml").read_text()
    assert f"image: {container(deployment)['image']}\n" in compose


def test_postgres_has_connections_for_all():
    """At the autoscalers' most, and one more of each while they are replaced."""
    most = {"frontend": OBJECTS["HorizontalPodAutoscaler", "frontend"]["spec"]["maxReplicas"],
            "backend": OBJECTS["ScaledObject", "backend"]["spec"]["maxReplicaCount"]}
    wanted = 0
    for deployment in PROGRAMS:
        surge = deployment["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
        wanted += (most[by_name(deployment)] + surge) * flag(deployment, "--database-connections")
    assert wanted == 84 < POSTGRES_LEAVES  # 84 is what the comment in autoscaler.yml says


# Monitoring

def test_the_queue_is_asked_for_by_a_name_that_there_is():
    from workshop.promql import catalogue, metrics
    spec = OBJECTS["ScaledObject", "backend"]["spec"]
    [trigger] = spec["triggers"]
    assert metrics(trigger["metadata"]["query"]) <= catalogue(ROOT)
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (1, 20)
    [port] = OBJECTS["Service", "prometheus"]["spec"]["ports"]
    assert trigger["metadata"]["serverAddress"] == f"http://prometheus.{NAMESPACE}.svc:{port['port']}"


def test_a_backend_does_not_hold_what_another_one_is_started_for():
    threshold = int(OBJECTS["ScaledObject", "backend"]["spec"]["triggers"][0]["metadata"]["threshold"])
    assert flag(OBJECTS["Deployment", "backend"], "--prefetch") * 5 <= threshold


def meta(deployment, port, phase="Running", **annotations):
    """What Prometheus knows of one port of a pod before it relabels."""
    made = template(deployment)["metadata"]
    known = {"__meta_kubernetes_pod_name": f"{by_name(deployment)}-abc", "__meta_kubernetes_pod_phase": phase,
             "__meta_kubernetes_pod_container_port_number": str(port)}
    for kind, pairs in (("annotation", made.get("annotations", {}) | annotations), ("label", made["labels"])):
        known |= {f"__meta_kubernetes_pod_{kind}_" + re.sub(r"\W", "_", name): value for name, value in pairs.items()}
    return {"targets": [f"10.0.0.1:{port}"], "labels": known}


def relabelled(directory, *targets):
    """[labels] of those that are scraped in the end. Debian's Prometheus is built without Kubernetes' discovery, so what that
    would find is put in its place."""
    config = yaml.safe_load(prometheus_config())
    [job] = [job for job in config["scrape_configs"] if job["job_name"] == "pods"]
    del job["kubernetes_sd_configs"]
    job["static_configs"] = list(targets)
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
    done = subprocess.run(["promtool", "check", "service-discovery", "--timeout=500ms", directory / "prometheus.yml", "pods"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout[done.stdout.index("["):])
    return [target["labels"] for target in found if target.get("labels")]


@programs
def test_a_pod_becomes_a_target(tmp_path, deployment):
    port = container(deployment)["ports"][0]["containerPort"]
    [labels] = relabelled(tmp_path, meta(deployment, port), meta(deployment, 9999), meta(deployment, port, "Succeeded"),
                          meta(deployment, port, **{"prometheus.io/scrape": "false"}),
                          meta(OBJECTS["Deployment", "prometheus"], 9090))
    name = by_name(deployment)
    assert labels["__address__"] == f"10.0.0.1:{port}" and labels["__metrics_path__"] == "/metrics"
    assert {key: value for key, value in labels.items() if not key.startswith("__")} == {"job": name, "instance": f"{name}-abc"}


def test_pods_are_found_by_the_annotations_that_they_have():
    asked = set(re.findall(r"__meta_kubernetes_pod_annotation_(\w+)", str(pods_job())))
    for deployment in PROGRAMS:
        annotations = template(deployment)["metadata"]["annotations"]
        assert {re.sub(r"\W", "_", name) for name in annotations} == asked
    [discovery] = pods_job()["kubernetes_sd_configs"]
    assert discovery == {"role": "pod", "namespaces": {"names": [NAMESPACE]}}


def test_jobs_are_named_as_the_rules_want_them():
    [renamed] = [rule for rule in pods_job()["relabel_configs"] if rule.get("target_label") == "job"]
    assert renamed["source_labels"] == ["__meta_kubernetes_pod_label_" + re.sub(r"\W", "_", NAME)]
    assert [template(deployment)["metadata"]["labels"][NAME] for deployment in PROGRAMS] == ["frontend", "backend"]


def test_the_broker_is_scraped_as_everywhere():
    here = {job["job_name"]: job for job in yaml.safe_load(prometheus_config())["scrape_configs"]}
    there = {job["job_name"]: job for job in yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text())["scrape_configs"]}
    for key in ("metrics_path", "params"):
        assert here["rabbitmq-queues"][key] == there["rabbitmq-queues"][key]
