"""loki/: no Loki and no Alloy can be run here, so this checks what can be read: that the files are of the right form, agree
with the lines that the programs write, and let nothing but service and level become a label."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
LOKI, ALLOY = ROOT / "loki/loki.yml", ROOT / "loki/config.alloy"


def values_of(stage):
    """[the text between the braces or brackets of `values`] of each such stage."""
    return re.findall(r"stage\.%s \{\s*values = [{\[](.*?)[}\]]\s*\}" % stage, ALLOY.read_text(), re.S)


def test_both_say_that_they_were_not_run():
    for path in (LOKI, ALLOY):
        assert "Not run by the tests" in path.read_text().splitlines()[0]


def test_loki_deletes_what_is_old():
    config = yaml.safe_load(LOKI.read_text())
    assert config["compactor"]["retention_enabled"] and config["limits_config"]["retention_period"] == "168h"
    [schema] = config["schema_config"]["configs"]
    assert (schema["store"], schema["schema"], schema["index"]["period"]) == ("tsdb", "v13", "24h")
    assert config["limits_config"]["allow_structured_metadata"] and config["limits_config"]["discover_service_name"] == []


def test_two_labels_and_no_other():
    [kept] = values_of("label_keep")
    assert re.findall(r'"(\w+)"', kept) == ["service", "level"]
    made = "".join(values_of("labels") + values_of("static_labels"))
    assert set(re.findall(r"(\w+) += ", made)) == {"service", "level"}
    assert ALLOY.read_text().rindex("stage.label_keep") > max(map(ALLOY.read_text().rindex, ("stage.labels {", "stage.regex")))


def test_the_ids_are_structured_metadata():
    [metadata] = values_of("structured_metadata")
    assert re.findall(r"(\w+) += ", metadata) == ["trace_id", "span_id"]


def test_it_reads_fields_that_lines_have():
    written = (ROOT / "common/base/log.c").read_text() + (ROOT / "common/contract/recorder.c").read_text()
    for field in ("level", "trace_id", "span_id"):
        assert re.search(r'= "%s",' % field, ALLOY.read_text()) and field in written
    levels = re.search(r"level_names\[\] = \{(.*)\}", written)[1]
    assert "|".join(re.findall(r"\w+", levels)) in ALLOY.read_text()


def test_its_blocks_are_closed():
    code = re.sub(r'"(\\.|[^"\\])*"|//[^\n]*', "", ALLOY.read_text())
    assert [code.count(left) - code.count(right) for left, right in ("{}", "[]", "()")] == [0, 0, 0]


def test_the_containers_say_whose_lines_they_are():
    compose = ROOT / "docker-compose.yml"
    services = yaml.safe_load(compose.read_text())["services"] if compose.exists() else {}
    for name, service in services.items():
        assert "com.docker.compose.service" in service["logging"]["options"].get("labels", ""), name
