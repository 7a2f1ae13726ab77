"""Dockerfile, docker-compose.yml and what they mount, without an engine."""

import json
import re
import shutil
import subprocess

import composefile
import pytest
from composefile import ROOT
from workshop import labs, packages, ports

SERVICES = composefile.load()["services"]
NATIVE_ALONE = ("epmd", "rabbitmq-dist", "board", "load-person", "load-exporter", "source")  # Grafana takes the board's place
PROGRAMS = ("frontend", "backend", "traffic")
LABS = ("person", "echo", "exporter")
each_service = pytest.mark.parametrize("name", SERVICES)

# What a health check may call, by image: looked up in the images' public build files, see docs/docker.md.
TOOLS = {"metrics-workshop": set(PROGRAMS), "metrics-workshop-labs": {"person", "echo", "stats_exporter"},
         "metrics-workshop-dev": {"cc"}, "postgres": {"pg_isready"}, "redis": {"redis-cli"},
         "rabbitmq": {"bash"}, "python": {"wget"}, "prom/prometheus": {"promtool", "wget"}, "prom/alertmanager": {"wget"},
         "prom/node-exporter": {"wget"}, "prom/blackbox-exporter": {"wget"}, "grafana/grafana": {"wget"},
         "quay.io/prometheuscommunity/postgres-exporter": {"wget"}, "oliver006/redis_exporter": {"wget"},
         "grafana/loki": {"/usr/bin/loki"}, "grafana/alloy": {"bash"}}


@each_service
def test_an_image_has_a_version(name):
    assert re.search(r":v?\d+\.\d+\.?\d*(-[a-z]+)?$", SERVICES[name]["image"]), SERVICES[name]["image"]


@each_service
def test_health_is_checked_every_5_s_with_a_tool_that_the_image_has(name):
    check, image = SERVICES[name]["healthcheck"], SERVICES[name]["image"].rpartition(":")[0]
    assert check["interval"] == "5s" and check["test"][0] == "CMD"
    assert check["test"][1] in TOOLS[image]
    assert "wget" not in TOOLS[image] or image != "oliver006/redis_exporter" or SERVICES[name]["image"].endswith("-alpine")


@each_service
def test_who_needs_another_waits_until_it_is_healthy(name):
    for other, condition in SERVICES[name].get("depends_on", {}).items():
        assert condition == {"condition": "service_healthy"} and other in SERVICES


@each_service
def test_logs_are_bounded_and_tagged(name):
    logging = SERVICES[name]["logging"]
    assert logging["driver"] == "json-file"
    assert logging["options"].items() >= {"max-size": "10m", "max-file": "3", "tag": "{{.Name}}"}.items()


@each_service
def test_memory_is_bounded(name):
    limit = composefile.bytes_of(SERVICES[name]["mem_limit"])
    most = {"prometheus": 512, "loki": 512, "grafana": 512, "postgres": 512, "rabbitmq": 512, "dev": 2048}.get(name, 256)
    assert limit <= most << 20


@each_service
def test_ports_are_published_on_this_machine_alone_and_can_be_moved(name):
    for published in SERVICES[name].get("ports", ()):
        assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", published), published
    moved = composefile.load(**{f"{port.upper().replace('-', '_')}_PORT": "7777" for port in {**ports.PORTS, **ports.LAB_PORTS}})
    assert all(":7777:" in published for published in moved["services"][name].get("ports", ())
               if name not in ("grafana", "loki", "alloy"))


@each_service
def test_it_starts_again_until_it_is_stopped(name):
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_the_ports_are_those_of_the_native_way():
    published = {int(port.split(":")[1]) for service in SERVICES.values() for port in service.get("ports", ())}
    wanted = {port for name, port in {**ports.PORTS, **ports.LAB_PORTS}.items() if name not in NATIVE_ALONE}
    assert published >= wanted


@pytest.mark.parametrize("name", PROGRAMS + LABS)
def test_our_own_may_do_nothing_they_need_not(name):
    service = SERVICES[name]
    assert service["read_only"] and service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"]


def test_what_needs_no_profile_is_the_core():
    profiles = {name: service.get("profiles") for name, service in SERVICES.items()}
    assert {name for name, profile in profiles.items() if profile} == {"loki", "alloy", "dev", *LABS}
    assert all(profiles[lab] == ["labs"] for lab in LABS)
    assert profiles["loki"] == profiles["alloy"] == ["logs"] and profiles["dev"] == ["dev"]


@pytest.mark.parametrize("alerts", ["classroom", "production"])
@pytest.mark.parametrize("logs, lab_targets", [("no-logs", "no-labs"), ("compose", "compose")])
def test_everything_mounted_is_there(alerts, logs, lab_targets):
    services = composefile.load(ALERTS=alerts, LOGS=logs, LABS=lab_targets)["services"]
    missing = [source for service in services.values() for source, _ in composefile.mounts(service)
               if source.startswith(".") and not (ROOT / source).exists()]
    assert not missing


def test_every_volume_is_declared_and_used():
    named = {source for service in SERVICES.values() for source, _ in composefile.mounts(service) if source[0] not in "./"}
    assert named == set(composefile.load()["volumes"])


@pytest.mark.parametrize("file", sorted((ROOT / "prometheus/targets/compose").glob("*.json")), ids=lambda file: file.stem)
def test_prometheus_asks_hosts_that_are_services(file):
    for group in json.loads(file.read_text()):
        for target in [*group["targets"], *filter(None, [group.get("labels", {}).get("__prober")])]:
            host, port = re.fullmatch(r"(?:http://)?([\w-]+):(\d+)(?:/.*)?", target).groups()
            assert any(published.endswith(f":{port}") for published in SERVICES[host]["ports"]), target


def test_without_the_profile_logs_nothing_of_it_is_asked():
    for name in ("loki", "alloy"):
        assert json.loads((ROOT / f"prometheus/targets/no-logs/{name}.json").read_text()) == []


@pytest.mark.parametrize("lab", LABS)
def test_without_the_profile_labs_none_is_asked(lab):
    assert json.loads((ROOT / f"prometheus/targets/no-labs/{lab}.json").read_text()) == []
    mounted = dict(reversed(mount) for mount in composefile.mounts(SERVICES["prometheus"]))
    assert mounted[f"/etc/prometheus/targets/{lab}.json"] == f"./prometheus/targets/no-labs/{lab}.json"


@pytest.mark.parametrize("lab", LABS)
def test_the_labs_have_the_settings_that_they_have_natively(lab):
    program, *flags = SERVICES[lab]["command"]
    assert (program, tuple(flags)) == (labs.LABS[lab]["binary"], labs.LABS[lab].get("flags", ()))


def test_the_files_keep_to_what_old_versions_read():
    text = composefile.FILE.read_text()
    assert not {"name", "version"} & composefile.load().keys()
    assert not re.search(r"^\s+start_interval:", text, re.M)
    assert not (ROOT / "Dockerfile").read_text().startswith("# syntax")


def test_the_image_is_built_with_what_the_native_way_installs():
    dockerfile = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    build = re.search(r"AS toolchain.*?--no-install-recommends ([^&]+)&&", dockerfile, re.S)[1].split()
    known = {name for entry in packages.RUN for name in entry.split("|")}
    assert set(build) - {"python3"} <= known


SWARM = composefile.load(ROOT / "deploy/swarm/stack.yml")["services"]


@pytest.mark.parametrize("name", SWARM)
def test_the_swarm_runs_the_same_images_bounded_and_checked_alike(name):
    service, alike = SWARM[name], SERVICES[name]
    assert (service["image"], service["healthcheck"]) == (alike["image"], alike["healthcheck"])
    assert service["deploy"]["resources"]["limits"]["memory"].lower() == alike["mem_limit"]
    assert service["logging"]["options"]["max-size"] == "10m"
    assert service.get("command") == alike.get("command")


def test_prometheus_reads_the_swarms_configuration():
    done = subprocess.run(["promtool", "check", "config", ROOT / "deploy/swarm/prometheus.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def config(*words, file=composefile.FILE, **variables):
    if not shutil.which("docker-compose"):
        pytest.skip("there is no docker-compose (package docker-compose)")
    return subprocess.run(["docker-compose", "-f", file, *words, "config", "-q"], cwd=ROOT, capture_output=True, text=True,
                          env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent"} | variables, timeout=60)


@pytest.mark.parametrize("files", [(), ("-f", "docker-compose.dev.yml")], ids=["alone", "with the development file"])
def test_the_installed_docker_compose_reads_it(files):
    done = config(*files)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_service_that_is_waited_for_and_does_not_exist_is_named(tmp_path):
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(composefile.FILE.read_text().replace("      frontend: {condition:", "      fronted: {condition:"))
    done = config(file=wrong)
    assert done.returncode != 0 and "fronted" in done.stderr
